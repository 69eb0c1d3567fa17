"""Owners are told by mail when their automatic top-up went off."""

from email.message import EmailMessage
from uuid import uuid4

import pytest

from billing.letters.letterbox import Letterbox
from billing.payments.jobs import tell_of_stopped_top_ups as tell_everybody
from billing.payments.models import Card, TopUpRule
from billing.payments.top_ups.notices import TELL_WITHIN, tell_of_stopped_top_ups
from billing.payments.top_ups.services import RuleState, stop_top_up
from platform_core.clock import StoppedClock
from platform_core.database import db, tenant_session
from tenants.models import Domain, DomainState
from tenants.pending.kinds import Work
from tenants.pending.queries import pending
from tests.billing.payments.buyers import Buyer


class Pigeonhole:
    """Takes letters and keeps them."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []

    def post(self, message: EmailMessage, letterbox: Letterbox, to: str) -> None:
        assert letterbox.sender.domain == "acme.example"
        self.letters.append(message)


def verify_domain(buyer: Buyer) -> None:
    with tenant_session(buyer.reseller) as session:
        session.add(Domain(account_id=buyer.id, name="acme.example", state=DomainState.VERIFIED))
        session.commit()


@pytest.fixture
def stopped(agency: Buyer, clock: StoppedClock) -> Buyer:
    """An account whose rule was stopped by its bank just now."""
    card = Card(id=f"pm_{uuid4().hex}", account_id=agency.id, brand="visa", last4="4242", told_at=clock.now())
    card.exp_month, card.exp_year = 12, 2034
    with tenant_session(agency.reseller) as session:
        session.add(card)
        session.flush()
        rule = TopUpRule(account_id=agency.id, good="credits", threshold=1, units=1000, card_id=card.id)
        rule.daily_ceiling, rule.state, rule.changed_at = 1000, RuleState.ON, clock.now()
        session.add(rule)
        session.flush()
        stop_top_up(session, agency.id, "card_declined", clock=clock)
        session.commit()
    return agency


def tell(buyer: Buyer, post: Pigeonhole) -> int:
    return tell_of_stopped_top_ups(buyer.reseller, post, clock=buyer.till.clock)


def test_the_owner_is_told_once_and_why(stopped: Buyer) -> None:
    verify_domain(stopped)
    post = Pigeonhole()
    assert [tell(stopped, post) for _ in range(2)] == [1, 0]
    (letter,) = post.letters
    body = letter.get_body(("plain",))
    assert body is not None and "the bank has declined the card" in body.get_content()
    assert letter["Subject"] == "Acme Mail: automatic top-up is off"
    assert letter["To"] == f"owner@{stopped.reseller.key}.example"


def test_without_a_domain_to_write_from_the_letter_waits(stopped: Buyer) -> None:
    post = Pigeonhole()
    assert tell(stopped, post) == 0
    verify_domain(stopped)
    assert tell(stopped, post) == 1


def test_what_is_old_is_no_news(stopped: Buyer, clock: StoppedClock) -> None:
    verify_domain(stopped)
    clock.advance(TELL_WITHIN)
    assert tell(stopped, Pigeonhole()) == 0


def waits(buyer: Buyer) -> bool:
    db.session.rollback()
    return buyer.reseller in [one.reseller for one in pending(db.session(), Work.STOPPED_TOP_UPS)]


def test_the_job_looks_where_a_rule_was_stopped_until_its_owner_is_told(stopped: Buyer) -> None:
    tell_everybody()
    assert waits(stopped)  # there is no domain to write from
    verify_domain(stopped)
    tell_everybody()
    with tenant_session(stopped.reseller) as session:
        assert session.get_one(TopUpRule, stopped.id).told_at is not None
    assert not waits(stopped)
