"""Reads of tax profiles and terms. In a reseller's session the seller is the reseller, otherwise the platform."""

import base64
from dataclasses import dataclass

from sqlalchemy.orm import Session

from billing.invoices.books import books_of, in_reseller
from billing.invoices.document import Look
from billing.invoices.models import PlatformTaxProfile, ProfileRow, TaxProfile, TermsRow
from billing.invoices.parties import Party, Terms
from platform_core.errors import TaxProfileMissing
from platform_core.ids import AccountId
from tenants.accounts.queries import account_by_id, main_account
from tenants.resellers.queries import brand

PLATFORMS_COLOUR = "#18181b"


@dataclass(frozen=True, slots=True)
class Seller:
    """Whoever bills in this session. `time_zone` decides which day it is when an invoice is issued."""

    party: Party
    terms: Terms
    look: Look
    time_zone: str


def seller_in(session: Session) -> Seller:
    """Raises TaxProfileMissing, saying what is to be set first."""
    party, terms = sellers_profile(session), terms_in(session)
    if party is None:
        raise TaxProfileMissing("The seller's tax profile is to be set before there can be invoices.")
    if terms is None:
        raise TaxProfileMissing("Currency and numbers are to be set before there can be invoices.")
    if not in_reseller(session):
        return Seller(party, terms, _look(party.legal_name, PLATFORMS_COLOUR, terms), "UTC")
    own, main = brand(session), main_account(session)
    return Seller(party, terms, _look(own.company_name, own.primary_colour, terms), main.time_zone)


def sellers_profile(session: Session) -> Party | None:
    """None until it is set."""
    if in_reseller(session):
        return profile_of(session, main_account(session).id)
    row = session.get(PlatformTaxProfile, True)
    return _party(row) if row else None


def profile_of(session: Session, account_id: AccountId) -> Party | None:
    """Inside a reseller: the account's; None until it is set."""
    row = session.get(TaxProfile, account_id)
    return _party(row) if row else None


def buyer_of(session: Session, account_id: AccountId) -> Party:
    """Inside a reseller: who is to be billed. Raises TaxProfileMissing."""
    party = profile_of(session, account_id)
    if party is None:
        name = account_by_id(session, account_id).name
        raise TaxProfileMissing(f"The tax profile of {name} is to be set before it can be billed.")
    return party


def terms_in(session: Session) -> Terms | None:
    """None until they are set: then nothing is billed."""
    row = session.get(books_of(session).terms, True)
    return _terms(row) if row else None


def _party(row: ProfileRow) -> Party:
    return Party(**{name: getattr(row, name) for name in Party.__slots__})


def _terms(row: TermsRow) -> Terms:
    return Terms(**{name: getattr(row, name) for name in Terms.__slots__})


def _look(name: str, colour: str, terms: Terms) -> Look:
    if not terms.logo:
        return Look(name=name, colour=colour)
    kind = "png" if terms.logo.startswith(b"\x89PNG") else "jpeg"
    return Look(
        name=name, colour=colour, logo=f"data:image/{kind};base64,{base64.b64encode(terms.logo).decode()}"
    )
