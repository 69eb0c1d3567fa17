"""The letters: what each notice says, to whom, and in whose name.

A reseller writes to its customers, and to its own people about credits, under its brand and from its domain; about what a
reseller itself owes the platform writes, from the main account of the reseller that the platform is.
"""

from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from typing import TypeAlias

from sqlalchemy.orm import Session

from billing.dunning.debts import debt_of
from billing.dunning.lapsing import lapsing_lots
from billing.dunning.models import BillingNotice, Dunning
from billing.dunning.notices import PAYMENT, NoticeKind, untold
from billing.dunning.steps import GRACE
from billing.invoices.profiles.queries import profile_of
from billing.letters.letterbox import Letterbox, open_letterbox
from billing.letters.posting import Post
from billing.letters.writing import Letter, message_of, write_letter
from platform_core.clock import Clock
from platform_core.database import ResellerRef, tenant_session
from platform_core.errors import SenderNotVerified
from platform_core.ids import AccountId
from tenants.accounts.queries import account_by_id, main_account
from tenants.models import Account, Role, State
from tenants.resellers.queries import brand
from tenants.users.queries import users_of

NoticeKey: TypeAlias = tuple[AccountId, str, str]


@dataclass(frozen=True, slots=True)
class Sending:
    """Who sends: a letterbox and the look of its letters."""

    box: Letterbox
    company: str
    colour: str


@dataclass(frozen=True, slots=True)
class Mailing:
    """One letter to some people; `message_id` is the same at every try. `letter` None: it is no longer true."""

    letter: Letter | None
    people: tuple[str, ...]
    message_id: str
    notices: tuple[NoticeKey, ...]


def tell(reseller: ResellerRef, post: Post, *, platform: ResellerRef | None, clock: Clock) -> int:
    """Send what is to be told at one reseller; says how many letters went out.

    Where there is no verified domain to write from, it waits as long as it is news. Raises Unavailable while
    who writes may not send; what was queued by then is told.
    """
    own, platforms = _sending(reseller), _sending(platform) if platform else None
    with tenant_session(reseller) as session:
        groups = [
            [(one.account_id, one.kind, one.reference) for one in group]
            for _, group in groupby(untold(session, clock=clock), key=lambda one: (one.account_id, one.kind))
        ]
    return sum(_tell(reseller, group, own, platforms, post, clock) for group in groups)


def _tell(
    reseller: ResellerRef,
    keys: list[NoticeKey],
    own: Sending | None,
    platforms: Sending | None,
    post: Post,
    clock: Clock,
) -> int:
    with tenant_session(reseller) as session:
        notices = [session.get_one(BillingNotice, key) for key in keys]
        account = account_by_id(session, notices[0].account_id)
        sending = platforms if account.is_main and notices[0].kind in PAYMENT else own
        mailing = _mailing(session, account, notices, sending, clock) if sending else None
    # The session ends here: queueing a letter is a transaction of its own.
    if sending is None or mailing is None:
        return 0
    _post(mailing, sending.box, post, clock)
    with tenant_session(reseller) as session:
        for key in mailing.notices:
            session.get_one(BillingNotice, key).told_at = clock.now()
        session.commit()
    return len(mailing.people) if mailing.letter else 0


def _post(mailing: Mailing, box: Letterbox, post: Post, clock: Clock) -> None:
    if mailing.letter is None:
        return
    for place, to in enumerate(mailing.people):
        message_id = f"{mailing.message_id}-{place}"
        post.post(message_of(mailing.letter, box.sender, to, message_id=message_id, now=clock.now()), box, to)


def _mailing(
    session: Session, account: Account, notices: list[BillingNotice], sending: Sending, clock: Clock
) -> Mailing:
    kind = NoticeKind(notices[0].kind)
    keys = tuple((one.account_id, one.kind, one.reference) for one in notices)
    mark = sha256("".join(one.reference for one in notices).encode()).hexdigest()[:16]
    told = main_account(session) if kind is NoticeKind.CUSTOMERS_LAPSING else account
    return Mailing(
        _letter(session, account, kind, sending, clock),
        _people(session, told, with_billing=kind in PAYMENT),
        f"{kind.value.replace('_', '-')}-{account.id}-{mark}",
        keys,
    )


def _letter(
    session: Session, account: Account, kind: NoticeKind, sending: Sending, clock: Clock
) -> Letter | None:
    """As things stand now; None when it was paid, or spent, since."""
    look = {"company": sending.company, "colour": sending.colour, "account": account.name}
    if kind not in PAYMENT:
        lots = lapsing_lots(session, account.id, clock=clock)
        return write_letter(kind, (), lots=lots, **look) if lots else None
    if kind in (NoticeKind.IPS_RETURNED, NoticeKind.IPS_WITHDRAWN):
        return write_letter(kind, (), **look)
    debt = debt_of(session, account, now=clock.now())
    row = session.get(Dunning, account.id)
    if debt is None or row is None:
        return None
    ends_on = (row.step_at + GRACE).date()
    return write_letter(kind, (), debt=debt, ends_on=ends_on, **look)


def _people(session: Session, account: Account, *, with_billing: bool) -> tuple[str, ...]:
    """The owners, and of payments also the address that invoices go to."""
    owners = [
        one.email
        for one in users_of(session, account.id)
        if one.role == Role.OWNER and one.state == State.ACTIVE
    ]
    profile = profile_of(session, account.id) if with_billing else None
    billing = [profile.email] if profile and profile.email else []
    return tuple(dict.fromkeys([*owners, *billing]))


def _sending(reseller: ResellerRef) -> Sending | None:
    """None where there is no verified domain."""
    with tenant_session(reseller) as session:
        try:
            box = open_letterbox(session)
        except SenderNotVerified:
            return None
        look = brand(session)
        sending = Sending(box, look.company_name, look.primary_colour)
        session.commit()
    return sending
