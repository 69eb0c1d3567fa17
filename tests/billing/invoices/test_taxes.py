"""VAT before anything is paid: that of the invoice to come, to the minor unit."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from billing.invoices.document import DraftLine, LineKind, lines_of, paid_of, rounding_of, totals_of
from billing.invoices.parties import Party
from billing.invoices.profiles.services import set_platforms_profile, set_profile, set_terms
from billing.invoices.taxes import require_billable, taxed
from billing.invoices.vat import Vat, VatCategory
from billing.money import Money, share_of
from platform_core.database import ResellerRef, db, tenant_session
from platform_core.errors import NotForSale
from tenants.accounts.queries import main_account
from tenants.accounts.services import NewAccount, create_sub_account
from tenants.models import Account
from tests.billing.invoices.papers import GRAZ, LYON, TEL_AVIV, TERMS, VIENNA

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
TEN = Money(1000, "EUR")
PARIS_CONSUMER = replace(LYON, vat_id="")
NEW_YORK = Party(legal_name="Apples Inc", country="US")


@pytest.mark.parametrize(
    ("buyer", "tax"),
    [(GRAZ, 200), (LYON, 0), (PARIS_CONSUMER, 200), (TEL_AVIV, 0), (NEW_YORK, 0)],
    ids=["at home", "reverse charge", "a consumer abroad", "outside the EU", "overseas"],
)
def test_who_buys_decides(rows: Session, customer: Account, buyer: Party, tax: int) -> None:
    set_profile(rows, customer, buyer)
    found = taxed(rows, customer, TEN, now=NOON)
    assert (found.tax, found.gross) == (Money(tax, "EUR"), Money(1000 + tax, "EUR"))


def test_with_the_one_stop_shop_a_consumer_pays_its_own_rate(rows: Session, customer: Account) -> None:
    set_terms(rows, replace(TERMS, one_stop_shop=True))
    set_profile(rows, customer, replace(PARIS_CONSUMER, country="HU"))
    assert taxed(rows, customer, TEN, now=NOON).tax.amount == 270


def test_who_has_not_said_where_it_is_pays_as_a_consumer_at_home(rows: Session, customer: Account) -> None:
    nameless = create_sub_account(rows, NewAccount("Anon"))
    assert taxed(rows, nameless, TEN, now=NOON).tax.amount == 200


def test_a_seller_that_is_not_registered_adds_none(rows: Session, customer: Account) -> None:
    set_profile(rows, main_account(rows), replace(VIENNA, vat_id=""))
    assert taxed(rows, customer, TEN, now=NOON).tax.amount == 0


def test_a_seller_that_makes_no_invoices_adds_none_and_sells_in_any_currency(reseller: ResellerRef) -> None:
    with tenant_session(reseller) as session:
        shop = create_sub_account(session, NewAccount("Shop"))
        for account in (shop, main_account(session)):
            assert taxed(session, account, TEN, now=NOON).tax.amount == 0
            require_billable(session, account, "USD")


def test_what_is_priced_in_another_currency_than_invoices_are_is_not_sold(
    rows: Session, customer: Account
) -> None:
    require_billable(rows, customer, "EUR")
    with pytest.raises(NotForSale, match=r"USD.*EUR"):
        require_billable(rows, customer, "USD")


def test_a_reseller_buys_from_the_platform(rows: Session, customer: Account) -> None:
    platform = db.session()
    set_platforms_profile(platform, VIENNA)
    set_terms(platform, TERMS)
    platform.commit()
    main = main_account(rows)
    assert taxed(rows, main, TEN, now=NOON).tax.amount == 200  # a company of Vienna, too
    set_profile(rows, main, LYON)
    assert taxed(rows, main, TEN, now=NOON).tax.amount == 0


def test_a_rate_that_nobody_knows_is_said_and_nothing_is_sold(rows: Session, customer: Account) -> None:
    set_profile(rows, main_account(rows), replace(NEW_YORK, vat_id="12-3456789"))
    set_profile(rows, customer, NEW_YORK)
    with pytest.raises(NotForSale, match="US"):
        taxed(rows, customer, TEN, now=NOON)


@given(
    st.lists(st.integers(1, 10**7), min_size=1, max_size=8), st.sampled_from([0, 810, 1900, 2000, 2550, 2700])
)
def test_the_invoice_comes_to_what_was_paid_and_to_the_prices_it_was_paid_for(
    prices: list[int], basis_points: int
) -> None:
    vat = Vat(VatCategory.STANDARD, basis_points)
    drafts = [
        DraftLine(
            kind=LineKind.CREDITS,
            quantity=1,
            unit_price=price + share_of(price, basis_points),
            settled=True,
        )
        for price in prices
    ]
    lines = lines_of(drafts, vat)
    totals = totals_of([line.net for line in lines], vat)
    assert [line.net for line in lines] == prices
    assert totals.net + totals.tax + rounding_of(drafts, vat) == paid_of(drafts)
