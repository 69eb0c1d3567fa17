"""Rules of automatic top-ups, inside a reseller's session; the caller commits."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.payments.models import Card, TopUpRule
from billing.payments.purchases import Good
from billing.payments.signals import announce, top_up_stopped
from platform_core.clock import Clock
from platform_core.errors import InvalidInput, NotFound
from platform_core.ids import AccountId
from tenants.models import Account

_GOODS = frozenset({Good.CREDITS, Good.WALLET})


class RuleState(StrEnum):
    ON = "on"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class TopUp:
    """Below `threshold` of a good (credits, or minor units in the wallet) buy `units` of it with a card.

    `daily_ceiling`: minor units that may be spent so in one day of the account's time zone.
    """

    good: Good
    threshold: int
    units: int
    daily_ceiling: int
    card_id: str


def set_top_up(session: Session, account: Account, wanted: TopUp, *, clock: Clock) -> None:
    """Put a rule in force, in place of the one before. Raises NotFound for a card that is not the account's, and
    InvalidInput.
    """
    if wanted.good not in _GOODS:
        raise InvalidInput("good", "Only credits and the wallet are topped up.")
    if min(wanted.threshold, wanted.units, wanted.daily_ceiling) < 1:
        raise InvalidInput("threshold", "Threshold, amount and daily ceiling must be more than nothing.")
    card = session.get(Card, wanted.card_id)
    if card is None or card.account_id != account.id or card.removed_at is not None:
        raise NotFound("There is no such card.")
    rule = session.get(TopUpRule, account.id, with_for_update=True) or TopUpRule(account_id=account.id)
    rule.good, rule.threshold, rule.units = wanted.good, wanted.threshold, wanted.units
    rule.daily_ceiling, rule.card_id = wanted.daily_ceiling, wanted.card_id
    rule.state, rule.off_because, rule.changed_at = RuleState.ON, "", clock.now()
    rule.told_at = None
    session.add(rule)
    session.flush()


def remove_top_up(session: Session, account: Account) -> None:
    """No rule any more."""
    rule = session.get(TopUpRule, account.id)
    if rule is not None:
        session.delete(rule)
        session.flush()


def stop_top_up(session: Session, account_id: AccountId, reason: str, *, clock: Clock) -> None:
    """Switch the rule off and say so: a card that was refused once is not tried again before somebody has looked."""
    query = select(TopUpRule).where(TopUpRule.account_id == account_id).with_for_update()
    rule = session.scalars(query).one_or_none()
    if rule is None or rule.state == RuleState.OFF:
        return
    rule.state, rule.off_because, rule.changed_at = RuleState.OFF, reason, clock.now()
    session.flush()
    announce(session, account_id, top_up_stopped, reason=reason)
