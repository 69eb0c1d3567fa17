"""What a reseller asks of its customers for a dedicated IP, inside its session; the caller commits."""

from sqlalchemy.orm import Session

from billing.money import Money, minor_digits
from billing.payments.models import IpPrice
from billing.payments.price_list import MOST_PER_PRICE
from platform_core.clock import Clock
from platform_core.errors import InvalidInput
from tenants.models import Account


def set_ip_price(session: Session, account: Account, price: Money, *, clock: Clock) -> None:
    """Ask so much of the account for one address; the main account's is the list price of all others.

    Raises InvalidInput.
    """
    minor_digits(price.currency)
    if not 0 < price.amount <= MOST_PER_PRICE:
        raise InvalidInput("price", "A price is a positive number of minor units.")
    row = session.get(IpPrice, account.id) or IpPrice(account_id=account.id)
    row.amount, row.currency, row.changed_at = price.amount, price.currency, clock.now()
    session.add(row)
    session.flush()


def clear_ip_price(session: Session, account: Account) -> None:
    """Back to the list price; for the main account: not for sale."""
    row = session.get(IpPrice, account.id)
    if row is not None:
        session.delete(row)
        session.flush()
