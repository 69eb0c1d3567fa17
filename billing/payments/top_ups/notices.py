"""Telling people by mail that an automatic top-up went off, in the reseller's name; once it is told, never again."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.letters.letterbox import Letterbox, open_letterbox
from billing.letters.posting import Post
from billing.letters.writing import message_of, write_letter
from billing.payments.models import TopUpRule
from billing.payments.top_ups.services import RuleState
from platform_core.clock import Clock
from platform_core.database import ResellerRef, tenant_session
from platform_core.errors import SenderNotVerified
from platform_core.ids import AccountId
from tenants.accounts.queries import account_by_id
from tenants.models import Role, State
from tenants.resellers.queries import brand
from tenants.users.queries import users_of

# Later it is no news; the page still says it.
TELL_WITHIN = timedelta(days=3)

# The payment service's words for the refusals that its users can do something about.
_REASONS = {
    "card_declined": "the bank has declined the card",
    "insufficient_funds": "the card does not hold enough money",
    "expired_card": "the card has expired",
    "authentication_required": "the bank wants the card holder to confirm payments",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """What is to be told, and to whom. `message_id` is the same at every try."""

    account_id: AccountId
    account: str
    reason: str
    people: tuple[str, ...]
    message_id: str


def tell_of_stopped_top_ups(reseller: ResellerRef, post: Post, *, clock: Clock) -> int:
    """Write to the owners of each account whose rule was stopped and who were not told; says to how many accounts.

    Where the reseller has no verified domain to write from, they wait. Raises Unavailable while it may not send.
    """
    with tenant_session(reseller) as session:
        notices = _due(session, clock)
        if not notices:
            return 0
        try:
            letterbox = open_letterbox(session)
        except SenderNotVerified:
            return 0
        look = {"company": brand(session).company_name, "colour": brand(session).primary_colour}
        session.commit()
    for notice in notices:
        _send(notice, post, letterbox, look, clock)
        _mark_told(reseller, notice, clock)
    return len(notices)


def _due(session: Session, clock: Clock) -> list[Notice]:
    query = select(TopUpRule).where(
        TopUpRule.state == RuleState.OFF,
        TopUpRule.off_because != "",
        TopUpRule.told_at.is_(None),
        TopUpRule.changed_at > clock.now() - TELL_WITHIN,
    )
    return [_notice(session, rule) for rule in session.scalars(query.order_by(TopUpRule.account_id))]


def _notice(session: Session, rule: TopUpRule) -> Notice:
    owners = [
        one.email
        for one in users_of(session, rule.account_id)
        if one.role == Role.OWNER and one.state == State.ACTIVE
    ]
    return Notice(
        rule.account_id,
        account_by_id(session, rule.account_id).name,
        _REASONS.get(rule.off_because, rule.off_because.rstrip(".")),
        tuple(owners),
        f"top-up-{rule.account_id}-{int(rule.changed_at.timestamp())}",
    )


def _send(notice: Notice, post: Post, letterbox: Letterbox, look: dict[str, str], clock: Clock) -> None:
    letter = write_letter("top_up_stopped", (), account=notice.account, reason=notice.reason, **look)
    for place, to in enumerate(notice.people):
        message = message_of(
            letter, letterbox.sender, to, message_id=f"{notice.message_id}-{place}", now=clock.now()
        )
        post.post(message, letterbox, to)


def _mark_told(reseller: ResellerRef, notice: Notice, clock: Clock) -> None:
    with tenant_session(reseller) as session:
        session.get_one(TopUpRule, notice.account_id).told_at = clock.now()
        session.commit()
