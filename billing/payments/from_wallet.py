"""Buying with the money in the wallet: paid and delivered in one transaction, inside the reseller's session."""

from uuid import UUID

from sqlalchemy.orm import Session

from billing.payments.gateway import PLATFORM
from billing.payments.purchases import Good, Origin, Purchase
from billing.payments.settling import note_paid, settle
from billing.payments.till import Seller, open_payment, quote_in
from billing.wallet.queries import wallet_of
from billing.wallet.services import WalletReason, charge_wallet
from platform_core.clock import Clock
from platform_core.errors import InsufficientFunds, NotForSale
from tenants.models import Account

# What else there is lies in the platform's books, which this transaction can't write.
_GOODS = frozenset({Good.CREDITS, Good.PLAN})


def buy_from_wallet(session: Session, account: Account, purchase: Purchase, *, clock: Clock) -> UUID:
    """Pay the price with its VAT from the wallet and deliver at once; the payment's id.

    The caller commits, and after an error rolls back.

    Raises InsufficientFunds, NotForSale and InvalidInput.
    """
    if purchase.good not in _GOODS:
        raise NotForSale("That is paid by card.")
    balance = wallet_of(session, account).balance
    if balance is None:
        raise InsufficientFunds(balance=0, needed=0, currency="")
    quote = quote_in(session, account, purchase, balance.currency, clock=clock)
    seller = Seller(PLATFORM, balance.currency)
    payment = open_payment(session, account, quote, seller, origin=Origin.WALLET, clock=clock)
    charge_wallet(
        session,
        account,
        quote.price,
        reason=WalletReason.SPENT,
        reference=str(payment.id),
        note=quote.description,
        clock=clock,
    )
    note_paid(session, payment, quote.price, clock=clock)
    settle(session, payment, clock=clock)
    if not payment.delivered:
        raise NotForSale(payment.problem)
    return payment.id
