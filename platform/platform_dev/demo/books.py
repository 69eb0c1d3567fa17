"""The demo's books: who everybody is before the tax office, and a month that is over, with its invoices."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from billing.invoices.monthly.services import bill_reseller, bill_sub_accounts
from billing.invoices.parties import Party, Terms
from billing.invoices.profiles.queries import profile_of, sellers_profile
from billing.invoices.profiles.services import set_platforms_profile, set_profile, set_terms
from billing.invoices.queries import invoices_in
from billing.ledger.models import LotOrigin
from billing.ledger.services import grant_credits
from billing.ledger.transfers import hand_over
from billing.money import Money
from billing.plans.catalogue import Limits, NewPlan, Overage, all_plans, create_plan
from billing.prices.queries import list_price
from billing.prices.services import set_price
from platform_core.clock import Clock, StoppedClock
from platform_core.database import ResellerRef, db, tenant_session
from platform_dev.demo.layout import AGENCY_DOMAIN
from tenants.accounts.queries import main_account, sub_accounts
from tenants.models import Account

CUSTOMERS_PAY_FOR_CREDITS = 500  # minor units for 1,000
_STOCK, _STOCK_COST = 50_000, 10_000
_HANDED_OVER = 8_000

_PLATFORM = Party(
    legal_name="Demo Platform GmbH",
    street="Ringstraße 1",
    postal_code="1010",
    city="Wien",
    country="AT",
    vat_id="ATU12345675",
    email="invoices@console.example",
)
_AGENCY = Party(
    legal_name="Paperplane Ltd",
    street="8 Merrion Row",
    postal_code="D02 KW99",
    city="Dublin",
    country="IE",
    vat_id="IE6433435F",
    email=f"accounts@{AGENCY_DOMAIN}",
)
# One of each kind: a consumer of the EU, who pays the agency's VAT, and a business overseas, which pays none.
_CUSTOMERS = {
    "Bluebird Bakery": Party(
        legal_name="Bluebird Bakery",
        street="Hauptplatz 2",
        postal_code="8010",
        city="Graz",
        country="AT",
        email="mia@bluebird-bakery.example",
        language="de",
    ),
    "Harbour Books": Party(
        legal_name="Harbour Books Inc.",
        street="12 Water Street",
        postal_code="NY 10004",
        city="New York",
        country="US",
        email="noah@harbour-books.example",
    ),
}


def prepare_books(reseller: ResellerRef, currency: str, clock: Clock) -> None:
    """Make what isn't there yet. Needs an application context, and a domain of the agency's to send from."""
    _platform_bills(currency)
    with tenant_session(reseller) as session:
        _everybody_has_a_profile(session, currency)
        _agency_offers_plans(session, currency)
        fresh = not invoices_in(session)
        if fresh:
            _trade(session, currency, _last_month(clock, main_account(session)))
        session.commit()
    if fresh:
        bill_reseller(reseller, clock=clock)
        bill_sub_accounts(reseller, clock=clock)


def _platform_bills(currency: str) -> None:
    session = db.session()
    if sellers_profile(session) is None:
        set_platforms_profile(session, _PLATFORM)
        set_terms(session, Terms(currency=currency, iban="AT611904300234573201"))
    session.commit()


def _everybody_has_a_profile(session: Session, currency: str) -> None:
    main = main_account(session)
    if profile_of(session, main.id) is None:
        set_profile(session, main, _AGENCY)
        set_terms(session, Terms(currency=currency, number_format="PP-{year}-{number:04}"))
    for account in sub_accounts(session):
        party = _CUSTOMERS.get(account.name)
        if party and profile_of(session, account.id) is None:
            set_profile(session, account, party)


def _agency_offers_plans(session: Session, currency: str) -> None:
    if all_plans(session, retired=True):
        return
    starter = NewPlan("Starter", Money(900, currency), 10_000, trial_days=14)
    business = NewPlan(
        "Business",
        Money(4900, currency),
        100_000,
        limits=Limits(dedicated_ips=2),
        overage=Overage(80, 400_000),
    )
    for plan in (starter, business):
        create_plan(session, plan)


def _last_month(clock: Clock, main: Account) -> StoppedClock:
    """Noon of its tenth day."""
    today = clock.now().astimezone(ZoneInfo(main.time_zone)).date()
    day = (today.replace(day=1) - timedelta(days=1)).replace(day=10)
    return StoppedClock(datetime.combine(day, time(12), ZoneInfo(main.time_zone)))


def _trade(session: Session, currency: str, past: Clock) -> None:
    """The agency bought credits on account, and handed some of them to each customer at its price."""
    main = main_account(session)
    if list_price(session) is None:
        set_price(session, main, Money(CUSTOMERS_PAY_FOR_CREDITS, currency), clock=past)
    cost = Money(_STOCK_COST, currency)
    grant_credits(session, main, _STOCK, clock=past, origin=LotOrigin.BOUGHT, cost=cost)
    for account in sub_accounts(session):
        hand_over(session, main, account, _HANDED_OVER, clock=past, note="As ordered by phone")
