"""Money to keep: what was paid goes into the account's wallet, minor unit by minor unit."""

from contextlib import suppress
from uuid import uuid4

from sqlalchemy.orm import Session

from billing.money import Money
from billing.payments.goods.shelf import Delivered, Order, TakenBack
from billing.payments.purchases import Purchase, Quote
from billing.plans.renewals import pay_due
from billing.rentals.renewals import pay_rentals
from billing.wallet.queries import wallet_of
from billing.wallet.services import WalletReason, charge_wallet, credit_wallet
from platform_core.errors import InvalidInput, NotForSale, NotFound
from tenants.models import Account

MOST_PAID_IN = 10**8  # minor units at once


class WalletMoney:
    """One minor unit a unit."""

    def quote(self, session: Session, account: Account, purchase: Purchase, currency: str) -> Quote:
        if not 0 < purchase.units <= MOST_PAID_IN:
            raise InvalidInput("amount", "This amount can't be paid in at once.")
        balance = wallet_of(session, account).balance
        if balance is not None and balance.currency != currency:
            raise NotForSale(f"Your wallet is kept in {balance.currency}; please ask your provider.")
        return Quote(purchase, Money(purchase.units, currency), "Money for your wallet")

    def deliver(self, order: Order) -> Delivered:
        self._put_in(order, order.payment.units, reference=str(order.payment.id))
        # What waits for money goes on at once: the plan first, without which nothing is included.
        with suppress(NotFound):
            pay_due(order.session, order.account, clock=order.clock)
        pay_rentals(order.session, order.account, clock=order.clock)
        return Delivered()

    def take_back(self, order: Order, units: int) -> TakenBack:
        # Also what was spent: the wallet owes it then, and nothing can be bought from it until that is made good.
        payment = order.payment
        charge_wallet(
            order.session,
            order.account,
            Money(units, payment.currency),
            reason=WalletReason.REFUNDED,
            reference=f"{payment.id}/{uuid4()}",
            clock=order.clock,
        )
        return TakenBack(units, 0)

    def give_again(self, order: Order, units: int) -> Delivered:
        self._put_in(order, units, reference=f"{order.payment.id}/{uuid4()}")
        return Delivered()

    def _put_in(self, order: Order, units: int, *, reference: str) -> None:
        credit_wallet(
            order.session,
            order.account,
            Money(units, order.payment.currency),
            reason=WalletReason.PAID_IN,
            reference=reference,
            clock=order.clock,
        )
