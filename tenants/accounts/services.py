"""Verbs on accounts, inside a reseller's session; the caller commits."""

from dataclasses import dataclass
from functools import cache
from zoneinfo import available_timezones

from sqlalchemy.orm import Session

from platform_core.errors import InvalidInput
from tenants.accounts.signals import announce_quota
from tenants.models import Account, AccountKind, AtQuotaEnd, State

MOST_HELD = 1_000_000
MOST_HELD_BYTES = 2**40  # a terabyte


@dataclass(frozen=True, slots=True)
class NewAccount:
    """A sub-account to make. `monthly_cap`: recipients a calendar month, None for no cap."""

    name: str
    time_zone: str = "UTC"
    monthly_cap: int | None = None
    plan_quota: int = 0


def create_sub_account(session: Session, new: NewAccount) -> Account:
    """Make a sub-account. Raises InvalidInput."""
    if not new.name.strip():
        raise InvalidInput("name", "The account needs a name.")
    check_time_zone(new.time_zone)
    account = Account(kind=AccountKind.SUB, name=new.name.strip(), time_zone=new.time_zone)
    session.add(account)
    limit_account(session, account, monthly_cap=new.monthly_cap, plan_quota=new.plan_quota)
    return account


def limit_account(session: Session, account: Account, *, monthly_cap: int | None, plan_quota: int) -> None:
    """Set both limits (recipients a calendar month); they count from the next message. Raises InvalidInput.

    Where the account has a plan, its quota is the plan's affair.
    """
    if monthly_cap is not None and monthly_cap < 0:
        raise InvalidInput("monthly_cap", "The monthly cap can't be negative.")
    if plan_quota < 0:
        raise InvalidInput("plan_quota", "The plan's quota can't be negative.")
    if account.period_start is not None and plan_quota != account.plan_quota:
        raise InvalidInput("plan_quota", "This account has a plan, which says how much is included.")
    account.monthly_cap = monthly_cap
    account.plan_quota = plan_quota
    session.flush()
    announce_quota(session, account)


@dataclass(frozen=True, slots=True)
class MailChoices:
    """What an account has done with its mail. `held_limit` and `held_bytes`: recipients, and bytes of messages, that it
    may hold at once, beyond which it refuses.

    `list_unsubscribe`: mail without a List-Unsubscribe of its own gets ours. `require_tls`: no mail goes in clear.
    """

    at_quota_end: AtQuotaEnd
    held_limit: int
    held_bytes: int
    keep_bodies: bool
    list_unsubscribe: bool
    require_tls: bool


def mail_choices(account: Account) -> MailChoices:
    """As they are now, to be changed by `dataclasses.replace`."""
    return MailChoices(
        AtQuotaEnd(account.at_quota_end),
        account.held_limit,
        account.held_bytes,
        account.keep_bodies,
        account.list_unsubscribe,
        account.require_tls,
    )


def choose_for_mail(session: Session, account: Account, choices: MailChoices) -> None:
    """Set what becomes of mail from the next message on; what is held stays held. Raises InvalidInput.

    Workers know of `list_unsubscribe` and `require_tls` within a minute, for mail that is waiting as well.
    Without `keep_bodies` a message's body goes as soon as its last recipient has ended.
    """
    if not 0 <= choices.held_limit <= MOST_HELD:
        raise InvalidInput("held_limit", f"The limit must be between 0 and {MOST_HELD} recipients.")
    if not 0 <= choices.held_bytes <= MOST_HELD_BYTES:
        raise InvalidInput("held_bytes", f"The limit must be between 0 and {MOST_HELD_BYTES} bytes.")
    account.at_quota_end = choices.at_quota_end
    account.held_limit = choices.held_limit
    account.held_bytes = choices.held_bytes
    account.keep_bodies = choices.keep_bodies
    account.list_unsubscribe = choices.list_unsubscribe
    account.require_tls = choices.require_tls
    session.flush()


def suspend_account(session: Session, account: Account) -> None:
    """No more mail from the next message on; the portal stays open to look."""
    account.state = State.SUSPENDED
    session.flush()


def resume_account(session: Session, account: Account) -> None:
    """Undo a suspension."""
    account.state = State.ACTIVE
    session.flush()


def check_time_zone(name: str) -> None:
    """Raises InvalidInput: the database itself would fail on an unknown name, with every message."""
    if name not in _time_zones():
        raise InvalidInput("time_zone", f"{name!r} is not a time zone name such as Europe/Vienna.")


@cache
def _time_zones() -> set[str]:
    """Kept: to find them all, every file of the time zone database is opened."""
    return available_timezones()
