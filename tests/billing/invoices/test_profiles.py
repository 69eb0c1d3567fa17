"""Tax profiles and terms: what is taken, and in which form it is kept."""

from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from billing.invoices.parties import checked_party, checked_terms
from billing.invoices.profiles.queries import profile_of, seller_in, terms_in
from billing.invoices.profiles.services import set_profile, set_terms
from platform_core.errors import InvalidInput
from tenants.models import Account
from tests.billing.invoices.papers import GRAZ, LYON, TERMS

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.mark.parametrize(
    "change",
    [
        {"legal_name": " "},
        {"country": "XX"},
        {"country": "at"},
        {"language": "tlh"},
        {"email": "nobody"},
        {"email": "a b@c.example"},
    ],
)
def test_a_profile_that_makes_no_invoice_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        checked_party(replace(GRAZ, **change))


@pytest.mark.parametrize(
    "change",
    [
        {"currency": "KWD"},
        {"iban": "AT611904300234573202"},
        {"payment_days": 400},
        {"number_format": "invoice"},
        {"credit_format": TERMS.number_format},
        {"logo": b"<svg onload='x'/>"},
        {"logo": PNG + bytes(262_144)},
    ],
)
def test_terms_that_make_no_invoice_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        checked_terms(replace(TERMS, **change))  # type: ignore[arg-type]


def test_terms_are_kept_and_the_logo_goes_onto_the_paper(rows: Session) -> None:
    set_terms(rows, replace(TERMS, iban="AT61 1904 3002 3457 3201", logo=PNG))
    rows.commit()
    terms = terms_in(rows)
    assert terms is not None
    assert (terms.iban, terms.logo) == ("AT611904300234573201", PNG)
    assert seller_in(rows).look.logo.startswith("data:image/png;base64,")


def test_a_profile_that_is_set_again_replaces_the_first(rows: Session, customer: Account) -> None:
    set_profile(rows, customer, LYON)
    assert profile_of(rows, customer.id) == LYON
