"""VAT identification numbers: their form and their check digits, as far as there is a public rule. Nothing is asked for."""

import re
from collections.abc import Callable, Mapping

from stdnum.ch import uid as swiss_uid
from stdnum.ch import vat as swiss_vat
from stdnum.eu import vat as eu_vat
from stdnum.exceptions import InvalidFormat, InvalidLength, ValidationError
from stdnum.gb import vat as british_vat
from stdnum.il import idnr as israeli_number
from stdnum.no import mva as norwegian_mva
from stdnum.no import orgnr as norwegian_number

from billing.invoices.countries import is_eu, vat_prefix
from platform_core.errors import InvalidInput

# What one looks like, for whoever has mistyped: the digits are none of anybody's.
LOOKS = {
    "AT": "ATU12345678",
    "BE": "BE0123456789",
    "BG": "BG123456789",
    "CY": "CY12345678X",
    "CZ": "CZ12345678",
    "DE": "DE123456789",
    "DK": "DK12345678",
    "EE": "EE123456789",
    "ES": "ESB12345678",
    "FI": "FI12345678",
    "FR": "FR12345678901",
    "GR": "EL123456789",
    "HR": "HR12345678901",
    "HU": "HU12345678",
    "IE": "IE1234567WA",
    "IT": "IT12345678901",
    "LT": "LT123456789",
    "LU": "LU12345678",
    "LV": "LV12345678901",
    "MT": "MT12345678",
    "NL": "NL123456789B01",
    "PL": "PL1234567890",
    "PT": "PT123456789",
    "RO": "RO1234567890",
    "SE": "SE123456789001",
    "SI": "SI12345678",
    "SK": "SK1234567890",
    "CH": "CHE-123.456.789 MWST",
    "GB": "GB123456789",
    "IL": "123456789",
    "NO": "NO123456789MVA",
}


def checked_vat_id(vat_id: str, country: str) -> str:
    """`vat_id` without spaces, dots and dashes, in capitals; "" stays. Whether it is in force only its country can tell.

    Raises InvalidInput, which says what is wrong. Of countries whose rule isn't here every number is taken.
    """
    compact = _compact(vat_id)
    check = eu_vat.validate if is_eu(country) else _BEYOND_THE_EU.get(country)
    if not compact or check is None:
        return compact
    if is_eu(country) and not compact.startswith(vat_prefix(country)):
        raise InvalidInput(
            "vat_id",
            f"A VAT identification number of {country} begins with {vat_prefix(country)}; it looks like {LOOKS[country]}.",
        )
    try:
        check(compact)
    except (InvalidLength, InvalidFormat) as error:
        raise InvalidInput(
            "vat_id",
            f"{vat_id!r} has not the form of a VAT identification number of {country}; it looks like {LOOKS[country]}.",
        ) from error
    except ValidationError as error:
        raise InvalidInput(
            "vat_id",
            f"{vat_id!r} is no VAT identification number of {country}: its check digits don't fit."
            " Please look for a slip of typing.",
        ) from error
    return compact


def _compact(vat_id: str) -> str:
    return re.sub(r"[\s.\-]", "", vat_id).upper()


def _swiss(number: str) -> None:
    """With MWST, TVA or IVA at its end or without."""
    (swiss_uid if number[-1:].isdigit() else swiss_vat).validate(number)


def _british(number: str) -> None:
    """Also of Northern Ireland, which for services is in the United Kingdom."""
    british_vat.validate(number.removeprefix("XI"))


def _norwegian(number: str) -> None:
    (norwegian_mva if number.endswith("MVA") else norwegian_number).validate(number.removeprefix("NO"))


def _israeli(number: str) -> None:
    """Of a company or a person: nine digits, the same check digit."""
    digits = number.removeprefix("IL")
    if len(digits) != 9:
        raise InvalidLength
    israeli_number.validate(digits)


# Beyond the EU the number decides nothing: those whose VAT we know are checked, for their papers' sake.
_BEYOND_THE_EU: Mapping[str, Callable[[str], object]] = {
    "CH": _swiss,
    "GB": _british,
    "IL": _israeli,
    "NO": _norwegian,
}
