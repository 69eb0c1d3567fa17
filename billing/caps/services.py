"""Verbs on caps; the caller commits. Each counts from the next message."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from platform_core.clock import Clock
from platform_core.database import as_tenant
from platform_core.errors import InvalidInput
from tenants.accounts.services import limit_account
from tenants.models import Account, AuditEntry, Reseller

MOST_PER_MINUTE = 1_000_000


@dataclass(frozen=True, slots=True)
class NewCaps:
    """An account's caps in recipients; None: no such cap."""

    monthly: int | None
    daily: int | None
    per_minute: int | None


def cap_account(session: Session, account: Account, caps: NewCaps, *, clock: Clock) -> None:
    """Set all caps of an account, in its reseller's session. Raises InvalidInput.

    A daily cap counts what the account has already sent today; a rate begins with a whole minute's worth.
    """
    if caps.daily is not None and caps.daily < 0:
        raise InvalidInput("daily", "The daily cap can't be negative.")
    if caps.per_minute is not None and not 0 < caps.per_minute <= MOST_PER_MINUTE:
        raise InvalidInput("per_minute", f"The rate must be between 1 and {MOST_PER_MINUTE} a minute.")
    changed = (caps.daily, caps.per_minute) != (account.daily_cap, account.minute_rate)
    account.daily_cap, account.minute_rate = caps.daily, caps.per_minute
    limit_account(session, account, monthly_cap=caps.monthly, plan_quota=account.plan_quota)
    if changed and (caps.daily is not None or caps.per_minute is not None):
        session.execute(
            text("SELECT recount_pace(:account, :at)"), {"account": account.id, "at": clock.now()}
        )


def cap_customers(session: Session, reseller: Reseller, cap: int | None, *, clock: Clock, actor: str) -> None:
    """Cap what all sub-accounts of a reseller send together in a month of its main account's time zone; None: no cap.

    In the platform's session. What they have sent this month counts already. Raises InvalidInput.
    """
    if cap is not None and cap < 0:
        raise InvalidInput("cap", "The cap can't be negative.")
    if cap is not None:
        with as_tenant(session, reseller.ref):
            session.execute(text("SELECT recount_customers(:at)"), {"at": clock.now()})
    reseller.customers_cap = cap
    session.add(
        AuditEntry(actor=actor, action="reseller.cap", reseller_id=reseller.id, detail={"customers_cap": cap})
    )
    session.flush()
