"""VAT on what is sold, reckoned before it is paid, by the rules of the invoice to come."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from billing.invoices.agreed import Agreed
from billing.invoices.books import books_of_seller_to
from billing.invoices.parties import Party
from billing.invoices.profiles.queries import profile_of, sellers_profile, terms_in
from billing.invoices.vat import Sale, Vat, VatCategory, VatNote, vat_on
from billing.money import Money, share_of
from platform_core.errors import NotForSale, NotFound
from tenants.models import Account

NO_INVOICES = Vat(VatCategory.OUTSIDE_SCOPE, 0, VatNote.NOT_REGISTERED)


@dataclass(frozen=True, slots=True)
class Treatment:
    """Which VAT a sale bears, and the buyer's tax data by which that was decided; None: it has told none.

    `holds`: the invoice keeps to it. A seller that makes no invoices yet has said nothing about VAT that would.
    """

    vat: Vat
    buyer: Party | None
    holds: bool = True


@dataclass(frozen=True, slots=True)
class Taxed:
    """A price before VAT, and the VAT on it."""

    net: Money
    tax: Money
    treatment: Treatment

    @property
    def gross(self) -> Money:
        return self.net + self.tax

    @property
    def vat(self) -> Vat:
        return self.treatment.vat

    @property
    def agreed(self) -> Agreed | None:
        """What its invoice will have to say, once this is paid."""
        told = self.treatment
        return Agreed(self.net.amount, self.tax.amount, told.vat, told.buyer) if told.holds else None


def taxed(session: Session, account: Account, net: Money, *, now: datetime) -> Taxed:
    """What the account pays for something at this price. Raises NotForSale; see `treatment_of`."""
    treatment = treatment_of(session, account, now=now)
    # Of what is paid so the invoice takes off the VAT within, and comes to this net price again: half a minor unit, by
    # which the tax may be rounded, is less than that with the tax taken off.
    return Taxed(net, Money(share_of(net.amount, treatment.vat.basis_points), net.currency), treatment)


def treatment_of(session: Session, account: Account, *, now: datetime) -> Treatment:
    """Which VAT bears what the account buys now; none while its seller makes no invoices.

    Who has not told its tax profile is taken for a consumer in the seller's own country. Raises NotForSale where VAT is
    due at a rate that our table doesn't know.
    """
    with books_of_seller_to(session, account) as (books, _):
        seller, terms = sellers_profile(books), terms_in(books)
    if seller is None or terms is None:
        return Treatment(NO_INVOICES, None, holds=False)
    told = profile_of(session, account.id)
    buyer = told or Party(legal_name=account.name, country=seller.country)
    today = now.astimezone(ZoneInfo(account.time_zone)).date()
    try:
        return Treatment(vat_on(Sale(seller, buyer, today, terms.one_stop_shop)), told)
    except NotFound as error:
        raise NotForSale(f"{error} Please ask your provider.") from error


def require_billable(session: Session, account: Account, currency: str) -> None:
    """Make sure that what is sold in `currency` can be on the seller's invoices. Raises NotForSale."""
    with books_of_seller_to(session, account) as (books, _):
        seller, terms = sellers_profile(books), terms_in(books)
    if seller is not None and terms is not None and terms.currency != currency:
        raise NotForSale(
            f"That is priced in {currency}, but invoices are made out in {terms.currency}; please ask your provider."
        )
