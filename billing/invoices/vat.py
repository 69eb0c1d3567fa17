"""Which VAT an invoice bears, decided by who sells to whom: services by electronic means, which is all we sell."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from billing.invoices.countries import is_eu, standard_rate
from billing.invoices.parties import Party


class VatCategory(StrEnum):
    """UNCL 5305, as far as EN 16931 allows and we need it."""

    STANDARD = "S"
    REVERSE_CHARGE = "AE"
    OUTSIDE_SCOPE = "O"


class VatNote(StrEnum):
    """Why there is no VAT, in words that are translated; their law is named there."""

    REVERSE_CHARGE = "reverse_charge"
    OUTSIDE_SCOPE = "outside_scope"
    NOT_REGISTERED = "not_registered"


@dataclass(frozen=True, slots=True)
class Vat:
    """What applies to every line of one invoice. `note`: only where there is no VAT."""

    category: VatCategory
    basis_points: int
    note: VatNote | None = None


@dataclass(frozen=True, slots=True)
class Sale:
    """Who sells to whom, and the day that decides the rate."""

    seller: Party
    buyer: Party
    on: date
    one_stop_shop: bool = False


def vat_on(sale: Sale) -> Vat:
    """The first rule that fits. Raises NotFound where VAT is due at a rate that our table doesn't know."""
    return next(vat for rule in RULES if (vat := rule(sale)) is not None)


def _seller_without_vat(sale: Sale) -> Vat | None:
    """Who isn't registered may not name VAT."""
    if sale.seller.vat_id:
        return None
    return Vat(VatCategory.OUTSIDE_SCOPE, 0, VatNote.NOT_REGISTERED)


def _same_country(sale: Sale) -> Vat | None:
    if sale.seller.country != sale.buyer.country:
        return None
    return _standard(sale.seller.country, sale.on)


def _business_in_another_member_state(sale: Sale) -> Vat | None:
    """Directive 2006/112/EC, articles 44 and 196: the buyer owes the VAT."""
    if not (_inside_eu(sale) and sale.buyer.vat_id):
        return None
    return Vat(VatCategory.REVERSE_CHARGE, 0, VatNote.REVERSE_CHARGE)


def _consumer_in_another_member_state(sale: Sale) -> Vat | None:
    """Article 58: the buyer's rate, by the one-stop shop; article 59c: small sellers may keep to their own."""
    if not _inside_eu(sale):
        return None
    return _standard(sale.buyer.country if sale.one_stop_shop else sale.seller.country, sale.on)


def _across_the_border(sale: Sale) -> Vat | None:
    """Articles 44 and 59, and other countries' law likewise: taxed, if at all, where the buyer is."""
    return Vat(VatCategory.OUTSIDE_SCOPE, 0, VatNote.OUTSIDE_SCOPE)


RULES: tuple[Callable[[Sale], Vat | None], ...] = (
    _seller_without_vat,
    _same_country,
    _business_in_another_member_state,
    _consumer_in_another_member_state,
    _across_the_border,
)


def _inside_eu(sale: Sale) -> bool:
    return is_eu(sale.seller.country) and is_eu(sale.buyer.country)


def _standard(country: str, on: date) -> Vat:
    return Vat(VatCategory.STANDARD, standard_rate(country, on))
