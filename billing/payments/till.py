"""What buying anything takes: who sells, in which currency, and what it comes to."""

from dataclasses import dataclass, replace
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.invoices.agreed import to_json
from billing.invoices.taxes import require_billable, taxed
from billing.payments.gateway import PLATFORM, PaymentGateway
from billing.payments.goods.catalogue import GOODS
from billing.payments.models import Payment, SellerRow
from billing.payments.news import ACCOUNT, PAYMENT, RESELLER
from billing.payments.purchases import Good, Origin, Purchase, Quote
from billing.payments.states import PaymentState
from billing.payments.stripe_gateway import gateway_for
from platform_core.clock import Clock
from platform_core.database import ResellerRef
from platform_core.errors import InvalidInput, NotForSale
from platform_core.settings import Settings
from tenants.models import Account

# Minor units. Below it cards can't be charged in the usual currencies (Stripe asks for 0.50 of most of them).
LEAST_PAYMENT = 50


@dataclass(frozen=True, slots=True)
class Till:
    """The gateway, the clock, and the currency in which the platform sells."""

    gateway: PaymentGateway
    clock: Clock
    currency: str

    @classmethod
    def from_settings(cls, settings: Settings, clock: Clock) -> "Till":
        """Raises PaymentsOff without a key of the payment service."""
        return cls(gateway_for(settings), clock, settings.billing_currency)


@dataclass(frozen=True, slots=True)
class Seller:
    """Who sells: the platform, or the reseller with its connected account."""

    account: str
    currency: str


def seller_to(session: Session, account: Account, currency: str) -> Seller:
    """Who sells to this account; `currency` is the platform's. Raises NotForSale where a reseller can't be paid yet."""
    if account.is_main:
        return Seller(PLATFORM, currency)
    row = session.scalars(select(SellerRow)).one_or_none()
    if row is None or not row.charges_enabled:
        raise NotForSale("Online payment is not available here yet; please ask your provider.")
    return Seller(row.stripe_account, row.currency)


# What VAT is added to. Prices are without it.
_TAXED = frozenset({Good.CREDITS, Good.PLAN, Good.DEDICATED_IP})


def quote_for(
    session: Session, account: Account, purchase: Purchase, *, currency: str, clock: Clock
) -> Quote:
    """What a purchase would cost this account. `currency` is the platform's; a reseller's prices have their own.

    Raises NotForSale and InvalidInput.
    """
    seller = seller_to(session, account, currency)
    return quote_in(session, account, purchase, seller.currency, clock=clock)


def quote_in(session: Session, account: Account, purchase: Purchase, currency: str, *, clock: Clock) -> Quote:
    """The same, paid in `currency` in whatever way. Raises NotForSale and InvalidInput."""
    quote = GOODS[purchase.good].quote(session, account, purchase, currency)
    if purchase.good is not Good.INVOICE:
        require_billable(session, account, quote.net.currency)
    if purchase.good not in _TAXED:
        return quote
    return replace(quote, taxed=taxed(session, account, quote.net, now=clock.now()))


def open_payment(
    session: Session, account: Account, quote: Quote, seller: Seller, *, origin: Origin, clock: Clock
) -> Payment:
    """Write down what is about to be paid, for how much, and with which VAT. Raises InvalidInput for sums that no card
    can pay.
    """
    if quote.price.amount < LEAST_PAYMENT and origin is not Origin.WALLET:
        raise InvalidInput("amount", "The amount is too small to be paid by card.")
    payment = Payment(
        id=uuid4(),
        account_id=account.id,
        origin=origin,
        good=quote.purchase.good,
        units=quote.purchase.units,
        item=quote.purchase.item,
        description=quote.description,
        currency=quote.price.currency,
        asked=quote.price.amount,
        tax=quote.tax.amount,
        agreed=to_json(quote.taxed.agreed if quote.taxed else None),
        stripe_account=seller.account,
        state=PaymentState.OPEN,
        created_at=clock.now(),
    )
    session.add(payment)
    session.flush()
    session.refresh(payment)
    return payment


def marks_of(session: Session, account: Account, payment: Payment | None = None) -> dict[str, str]:
    """Our ids, to travel with what we make at the payment service."""
    reseller: ResellerRef = session.info["reseller"]
    marks = {RESELLER: str(reseller.key), ACCOUNT: str(account.id)}
    return marks | ({PAYMENT: str(payment.id)} if payment else {})
