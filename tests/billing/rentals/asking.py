"""The platform asks a reseller for what it hands on."""

from billing.money import Money
from billing.payments.price_list import PriceLine, set_price_line
from billing.payments.purchases import Good
from platform_core.database import ResellerRef, db


def ask_for_handing_on(reseller: ResellerRef, minor_units: int = 3000) -> None:
    """So many euro cents a month for each dedicated IP, of this reseller alone."""
    line = PriceLine(Good.HANDED_ON_IP, 1, Money(minor_units, "EUR"), own=True)
    set_price_line(db.session(), reseller, line)
    db.session.commit()
