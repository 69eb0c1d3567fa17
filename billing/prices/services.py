"""Verbs on prices, inside a reseller's session; the caller commits."""

from sqlalchemy.orm import Session

from billing.money import Money, minor_digits
from billing.prices.models import CreditPrice
from platform_core.clock import Clock
from platform_core.errors import InvalidInput
from tenants.models import Account

MOST_PER_THOUSAND = (
    10**9
)  # minor units: with the most credits that change hands at once, still within a bigint


def set_price(session: Session, account: Account, per_thousand: Money, *, clock: Clock) -> None:
    """Charge the account so much for 1,000 credits from the next hand-over on; the main account's is the list price.

    Raises InvalidInput.
    """
    if not 0 <= per_thousand.amount <= MOST_PER_THOUSAND:
        raise InvalidInput(
            "price", f"A price for 1,000 credits is between 0 and {MOST_PER_THOUSAND} minor units."
        )
    minor_digits(per_thousand.currency)
    row = session.get(CreditPrice, account.id) or CreditPrice(account_id=account.id)
    row.per_thousand, row.currency = per_thousand.amount, per_thousand.currency
    row.changed_at = clock.now()
    session.add(row)
    session.flush()


def clear_price(session: Session, account: Account) -> None:
    """Back to the list price, or to none at all for the list price itself."""
    row = session.get(CreditPrice, account.id)
    if row is not None:
        session.delete(row)
        session.flush()
