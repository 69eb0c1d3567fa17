"""Verbs on tax profiles and terms; the caller commits. What is issued keeps what it said."""

from sqlalchemy.orm import Session

from billing.invoices.books import books_of
from billing.invoices.models import PlatformTaxProfile, ProfileRow, TaxProfile
from billing.invoices.parties import Party, Terms, checked_party, checked_terms
from tenants.models import Account


def set_profile(session: Session, account: Account, party: Party) -> Party:
    """Inside a reseller: whom an account's invoices name; the main account's is the reseller's own, as a seller too.

    Raises InvalidInput.
    """
    row = session.get(TaxProfile, account.id) or TaxProfile(account_id=account.id)
    return _store_party(session, row, party)


def set_platforms_profile(session: Session, party: Party) -> Party:
    """On the platform's rows: whom its invoices name as the seller. Raises InvalidInput."""
    row = session.get(PlatformTaxProfile, True) or PlatformTaxProfile(only_row=True)
    return _store_party(session, row, party)


def set_terms(session: Session, terms: Terms) -> Terms:
    """How the seller of this session bills from the next invoice on. Raises InvalidInput.

    A number format without a place for the year begins a series of its own; the numbers of each series go on.
    """
    kind = books_of(session).terms
    row = session.get(kind, True) or kind(only_row=True)
    checked = checked_terms(terms)
    for name in Terms.__slots__:
        setattr(row, name, getattr(checked, name))
    session.add(row)
    session.flush()
    return checked


def _store_party(session: Session, row: ProfileRow, party: Party) -> Party:
    checked = checked_party(party)
    for name in Party.__slots__:
        setattr(row, name, getattr(checked, name))
    session.add(row)
    session.flush()
    return checked
