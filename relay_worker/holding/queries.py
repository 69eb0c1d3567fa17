"""Reads of held mail: one account's inside its reseller's session, every reseller's for staff and jobs."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from platform_core.ids import AccountId, MessageId, ResellerId


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """One message with recipients that are held; `rcpt_to` is the first of them."""

    message_id: MessageId
    subject: str
    header_from: str
    rcpt_to: str
    recipients: int
    held_at: datetime


@dataclass(frozen=True, slots=True)
class HeldMail:
    """What an account holds, in recipients, and the messages that are let go first."""

    recipients: int
    since: datetime | None
    messages: tuple[HeldMessage, ...]


@dataclass(frozen=True, slots=True)
class HoldingAccount:
    """An account with held mail, as its reseller sees it."""

    id: AccountId
    name: str
    recipients: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Holding:
    """An account with held mail, as staff and jobs see it."""

    reseller_id: ResellerId
    account_id: AccountId
    recipients: int
    since: datetime


_TOTALS = text(
    "SELECT count(*) AS recipients, min(held_at) AS since FROM held WHERE account_id = :account_id"
)

# Messages are let go in the order of their ids, which carry the time.
_MESSAGES = text("""
    SELECT h.message_id, m.subject, m.header_from, r.rcpt_to, h.recipients, h.held_at
    FROM (SELECT message_id, min(n) AS n, count(*) AS recipients, min(held_at) AS held_at
          FROM held WHERE account_id = :account_id GROUP BY message_id ORDER BY message_id LIMIT :most) h
    JOIN message m ON m.id = h.message_id
    JOIN recipient r ON r.message_id = h.message_id AND r.n = h.n
    ORDER BY h.message_id
""")

_ACCOUNTS = text("""
    SELECT a.id, a.name, count(*) AS recipients, min(h.held_at) AS since
    FROM held h JOIN account a ON a.id = h.account_id GROUP BY a.id ORDER BY since, a.id
""")

_HOLDINGS = text("SELECT reseller_id, account_id, recipients, since FROM relay.holding ORDER BY since")


def held_mail(session: Session, account_id: AccountId, *, most: int = 100) -> HeldMail:
    """What the account holds, with its first `most` messages."""
    totals = session.execute(_TOTALS, {"account_id": account_id}).one()
    rows = session.execute(_MESSAGES, {"account_id": account_id, "most": most})
    return HeldMail(totals.recipients, totals.since, tuple(HeldMessage(*row) for row in rows))


def holding_accounts(session: Session) -> list[HoldingAccount]:
    """The reseller's accounts that hold mail, the one that has for longest first."""
    return [HoldingAccount(*row) for row in session.execute(_ACCOUNTS)]


def holdings(session: Session) -> list[Holding]:
    """Every account that holds mail, the one that has for longest first. Needs a session on the platform's rows."""
    return [Holding(*row) for row in session.execute(_HOLDINGS)]
