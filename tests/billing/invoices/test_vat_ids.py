"""VAT identification numbers: which are taken, in which form they are kept, and what is said of the others."""

from dataclasses import replace

import pytest

from billing.invoices.countries import EU, vat_prefix
from billing.invoices.parties import checked_party
from billing.invoices.vat_ids import LOOKS, checked_vat_id
from platform_core.errors import InvalidInput
from tests.billing.invoices.papers import VIENNA

# From the documentation of python-stdnum: one of each country that fits.
RIGHT = {
    "AT": "ATU13585627",
    "BE": "BE0428759497",
    "BG": "BG175074752",
    "CY": "CY10259033P",
    "CZ": "CZ25123891",
    "DE": "DE136695976",
    "DK": "DK13585628",
    "EE": "EE100594102",
    "ES": "ESB64717838",
    "FI": "FI20774740",
    "FR": "FR23334175221",
    "GR": "EL094259216",
    "HR": "HR33392005961",
    "HU": "HU12892312",
    "IE": "IE6433435F",
    "IT": "IT00743110157",
    "LT": "LT119511515",
    "LU": "LU15027442",
    "LV": "LV40003521600",
    "MT": "MT11679112",
    "NL": "NL004495445B01",
    "PL": "PL8567346215",
    "PT": "PT501964843",
    "RO": "RO18547290",
    "SE": "SE123456789701",
    "SI": "SI50223054",
    "SK": "SK2022749619",
    "CH": "CHE107787577IVA",
    "GB": "GB980780684",
    "IL": "516179157",
    "NO": "NO995525828MVA",
}


@pytest.mark.parametrize("country", sorted(RIGHT))
def test_one_that_fits_is_taken_and_one_digit_off_is_not(country: str) -> None:
    right = RIGHT[country]
    assert checked_vat_id(right, country) == right
    at = [place for place, sign in enumerate(right) if sign.isdigit()][4]
    wrong = right[:at] + str((int(right[at]) + 1) % 10) + right[at + 1 :]
    with pytest.raises(InvalidInput, match=r"check digits don't fit"):
        checked_vat_id(wrong, country)


def test_all_member_states_have_a_rule() -> None:
    assert EU <= RIGHT.keys() == LOOKS.keys()


@pytest.mark.parametrize("country", sorted(LOOKS))
def test_what_it_looks_like_is_said_and_is_of_that_form(country: str) -> None:
    with pytest.raises(InvalidInput) as told:
        checked_vat_id(f"{vat_prefix(country)}1", country)
    assert f"looks like {LOOKS[country]}" in str(told.value)
    assert told.value.field == "vat_id"
    try:
        checked_vat_id(LOOKS[country], country)
    except InvalidInput as refused:
        assert "check digits" in str(refused)


@pytest.mark.parametrize(
    ("country", "given", "kept"),
    [
        ("DE", "de 136 695 976", "DE136695976"),
        ("BE", "BE 0428.759.497", "BE0428759497"),
        ("CH", "CHE-107.787.577", "CHE107787577"),
        ("CH", "che-107.787.577 mwst", "CHE107787577MWST"),
        ("GB", "980 7806 84", "980780684"),
        ("GB", "XI980780684", "XI980780684"),
        ("NO", "995 525 828", "995525828"),
        ("US", "12-3456789", "123456789"),
        ("DE", " ", ""),
    ],
)
def test_spaces_dots_and_dashes_go(country: str, given: str, kept: str) -> None:
    assert checked_vat_id(given, country) == kept


@pytest.mark.parametrize(
    ("country", "vat_id", "said"),
    [
        ("AT", "FR40303265045", "of AT begins with AT"),
        ("GR", "GR094259216", "of GR begins with EL"),
        ("DE", "136695976", "of DE begins with DE"),
        ("AT", "AT13585627", "has not the form"),
        ("FR", "FR00000000000", "check digits"),
    ],
)
def test_a_profile_with_a_wrong_number_is_refused_with_what_is_wrong(
    country: str, vat_id: str, said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        checked_party(replace(VIENNA, country=country, vat_id=vat_id))
