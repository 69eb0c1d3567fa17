"""A reseller's own account at the payment service, so that its customers pay the reseller and not the platform."""

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from billing.money import minor_digits
from billing.payments.models import SellerRow, StripeRoute
from billing.payments.till import Till
from platform_core.database import ResellerRef, db, tenant_session
from platform_core.security import random_text
from tenants.accounts.queries import main_account
from tenants.users.queries import users_of


def start_connecting(reseller: ResellerRef, *, till: Till, currency: str, back_to: str, again: str) -> str:
    """The address at which the reseller tells the payment service who it is, and gets to know what is missing.

    Makes its account there at the first time. `currency`: in which its customers pay what has no price of its own, such
    as their wallets. Commits for itself, in short transactions around the calls.
    """
    minor_digits(currency)
    seller = _known(reseller) or _make(reseller, till, currency)
    return till.gateway.open_onboarding(seller, back_to=back_to, again=again)


def disconnect(reseller: ResellerRef) -> None:
    """Sell nothing more through the account. What was paid to it stays there, and so does its route for late news."""
    with tenant_session(reseller) as session:
        session.execute(delete(SellerRow))
        session.commit()


def _known(reseller: ResellerRef) -> str | None:
    with tenant_session(reseller) as session:
        return session.scalar(select(SellerRow.stripe_account))


def _make(reseller: ResellerRef, till: Till, currency: str) -> str:
    with tenant_session(reseller) as session:
        people = users_of(session, main_account(session).id)
    seller = till.gateway.make_seller(
        key=f"seller-{random_text(24)}",
        email=people[0].email if people else "",
        metadata={"reseller": str(reseller.key)},
    )
    with Session(db.engine) as session:
        session.add(StripeRoute(reference=seller, reseller_id=reseller.id))
        session.commit()
    with tenant_session(reseller) as session:
        # Of two people who begin at once the first decides; the other's account stays unused.
        new = insert(SellerRow).values(
            stripe_account=seller, currency=currency, connected_at=till.clock.now()
        )
        session.execute(new.on_conflict_do_nothing())
        kept = session.scalars(select(SellerRow.stripe_account)).one()
        session.commit()
    return kept
