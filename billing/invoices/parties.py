"""Who sells and who buys: what tax law wants to read of them on an invoice, and how the seller bills."""

import re
from dataclasses import dataclass, field

from stdnum import iban as iban_numbers
from stdnum.exceptions import ValidationError

from billing.invoices.countries import COUNTRIES
from billing.invoices.numbering import check_format
from billing.invoices.vat_ids import checked_vat_id
from billing.money import minor_digits
from platform_core.errors import InvalidInput

LANGUAGES = ("en", "fr", "de", "he", "it", "pt", "ru", "es")
MOST_LOGO_BYTES = 262_144

_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A seller or a buyer. `country`: ISO 3166-1, two letters. `vat_id` with its prefix; "" for who has none.

    `tax_number` is the national one, `registration` that of the commercial register; `language` is that of its papers.
    """

    legal_name: str
    country: str
    street: str = ""
    postal_code: str = ""
    city: str = ""
    vat_id: str = ""
    tax_number: str = ""
    registration: str = ""
    email: str = ""
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a seller bills. `logo`: PNG or JPEG. `one_stop_shop`: it declares VAT of consumers in their own countries."""

    currency: str
    number_format: str = "{year}-{number:05}"
    credit_format: str = "CN{year}-{number:05}"
    payment_days: int = 14
    account_holder: str = ""
    iban: str = ""
    bic: str = ""
    bank_name: str = ""
    one_stop_shop: bool = False
    logo: bytes | None = field(default=None, repr=False)


def checked_party(party: Party) -> Party:
    """`party` with its identifiers in their usual form. Raises InvalidInput."""
    if not party.legal_name.strip():
        raise InvalidInput("legal_name", "The tax profile needs the legal name.")
    if party.country not in COUNTRIES:
        raise InvalidInput("country", f"{party.country!r} is not a country's code of two capital letters.")
    if party.language not in LANGUAGES:
        raise InvalidInput("language", f"Invoices are written in {', '.join(LANGUAGES)}.")
    if party.email and not _ADDRESS.fullmatch(party.email):
        raise InvalidInput("email", f"{party.email!r} is not an e-mail address.")
    values = {name: getattr(party, name).strip() for name in Party.__slots__}
    return Party(**values | {"vat_id": checked_vat_id(party.vat_id, party.country)})


def checked_terms(terms: Terms) -> Terms:
    """`terms` with the bank account in its usual form. Raises InvalidInput."""
    minor_digits(terms.currency)
    check_format("number_format", terms.number_format)
    check_format("credit_format", terms.credit_format)
    if terms.number_format == terms.credit_format:
        raise InvalidInput("credit_format", "Credit notes need numbers that no invoice can have.")
    if not 0 <= terms.payment_days <= 365:
        raise InvalidInput("payment_days", "Payment is due within 0 to 365 days.")
    if terms.logo is not None and not is_picture(terms.logo):
        raise InvalidInput("logo", "The logo must be a PNG or a JPEG of at most 256 KB.")
    values = {name: getattr(terms, name) for name in Terms.__slots__}
    return Terms(**values | {"iban": _iban(terms.iban), "bic": terms.bic.replace(" ", "").upper()})


def is_picture(content: bytes) -> bool:
    """By its first bytes. No SVG: it may point elsewhere, and invoices are made from what is here alone."""
    return len(content) <= MOST_LOGO_BYTES and content.startswith((b"\x89PNG\r\n", b"\xff\xd8\xff"))


def _iban(number: str) -> str:
    try:
        return str(iban_numbers.validate(number)) if number.strip() else ""
    except ValidationError as error:
        raise InvalidInput("iban", "The IBAN is not right: its check digits don't fit.") from error
