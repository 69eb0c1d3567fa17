"""Which VAT applies, rule by rule, and the table of rates."""

from dataclasses import replace
from datetime import date

import pytest

from billing.invoices.countries import standard_rate
from billing.invoices.vat import Sale, Vat, VatCategory, VatNote, vat_on
from platform_core.errors import NotFound
from tests.billing.invoices.papers import GRAZ, LYON, TEL_AVIV, VIENNA

TODAY = date(2026, 11, 2)
REVERSE_CHARGE = Vat(VatCategory.REVERSE_CHARGE, 0, VatNote.REVERSE_CHARGE)
OUTSIDE = Vat(VatCategory.OUTSIDE_SCOPE, 0, VatNote.OUTSIDE_SCOPE)


def test_at_home_the_domestic_rate_applies_to_businesses_and_consumers() -> None:
    business = replace(GRAZ, vat_id="ATU12345675")
    assert vat_on(Sale(VIENNA, GRAZ, TODAY)) == Vat(VatCategory.STANDARD, 2000)
    assert vat_on(Sale(VIENNA, business, TODAY)) == Vat(VatCategory.STANDARD, 2000)


def test_a_business_in_another_member_state_owes_the_vat_itself() -> None:
    assert vat_on(Sale(VIENNA, LYON, TODAY)) == REVERSE_CHARGE


def test_a_consumer_in_another_member_state_pays_the_sellers_rate() -> None:
    assert vat_on(Sale(VIENNA, replace(LYON, vat_id=""), TODAY)).basis_points == 2000


def test_under_the_one_stop_shop_a_consumer_pays_the_rate_at_home() -> None:
    finn = replace(LYON, vat_id="", country="FI")
    assert vat_on(Sale(VIENNA, finn, TODAY, one_stop_shop=True)).basis_points == 2550


def test_beyond_the_eu_no_vat_is_charged() -> None:
    assert vat_on(Sale(VIENNA, TEL_AVIV, TODAY)) == OUTSIDE
    assert vat_on(Sale(TEL_AVIV, VIENNA, TODAY)) == OUTSIDE


def test_a_seller_elsewhere_charges_its_own_countrys_rate_at_home() -> None:
    assert vat_on(Sale(TEL_AVIV, TEL_AVIV, TODAY)) == Vat(VatCategory.STANDARD, 1800)


def test_who_is_not_registered_names_no_vat() -> None:
    small = replace(VIENNA, vat_id="")
    assert vat_on(Sale(small, GRAZ, TODAY)).note is VatNote.NOT_REGISTERED
    assert vat_on(Sale(small, LYON, TODAY)).basis_points == 0


@pytest.mark.parametrize(
    ("country", "on", "basis_points"),
    [
        ("EE", date(2025, 6, 30), 2200),
        ("EE", date(2025, 7, 1), 2400),
        ("RO", date(2025, 7, 31), 1900),
        ("RO", date(2025, 8, 1), 2100),
        ("CH", date(2023, 12, 31), 770),
        ("CH", date(2024, 1, 1), 810),
    ],
)
def test_a_rate_is_that_of_the_day(country: str, on: date, basis_points: int) -> None:
    assert standard_rate(country, on) == basis_points


def test_a_rate_that_is_not_known_is_not_guessed() -> None:
    brazilian = replace(TEL_AVIV, country="BR")
    with pytest.raises(NotFound):
        vat_on(Sale(brazilian, brazilian, TODAY))
