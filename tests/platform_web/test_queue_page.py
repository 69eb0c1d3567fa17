"""The console's queue page: who waits, what is paused and held, and ending a pause."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from platform_core.clock import SystemClock
from platform_core.database import db, tenant_session
from relay_worker.holding.services import discard_held
from relay_worker.queue.door import Verdict
from relay_worker.queue.pauses import Pause, active_pauses, pause
from relay_worker.queue.selection import Selection
from tenants.models import Account, AuditEntry
from tests.fixtures_web import Agency, Visitor, deliver, delivered, send
from tests.relay_worker.queue.desk import forget_figures


def queue_page(staff: Visitor) -> str:
    forget_figures()
    return staff.get("/queue").text


@pytest.fixture
def paused(agency: Agency) -> Iterator[Pause]:
    deliver(delivered)
    wanted = Selection(reseller_id=agency.ref.id, account_id=agency.customer.id)
    made = pause(db.session(), wanted, reason="Complaints & bounces", actor="tests", clock=SystemClock())
    db.session.commit()
    yield made
    db.session.execute(text("UPDATE relay.pause SET ended_at = now() WHERE ended_at IS NULL"))
    db.session.execute(text("SELECT relay.resume(100)"))
    db.session.commit()


def test_destinations_and_ages_are_shown(agency: Agency, staff: Visitor) -> None:
    deliver(delivered)
    send(agency.customer, "One", rcpt_to=("a@busy.example", "b@busy.example"))
    page = queue_page(staff)
    assert "busy.example" in page
    assert "By age" in page
    deliver(delivered)


def test_a_pause_is_shown_with_its_reason_and_what_it_holds_back(
    agency: Agency, staff: Visitor, paused: Pause
) -> None:
    send(agency.customer, "One")
    deliver(delivered)
    page = queue_page(staff)
    assert "Complaints &amp; bounces" in page
    assert 'data-label="Paused">1<' in page


@pytest.fixture
def unpaused() -> Iterator[None]:
    """Whatever a test pauses goes on after it."""
    yield
    db.session.execute(text("UPDATE relay.pause SET ended_at = now() WHERE ended_at IS NULL"))
    db.session.execute(text("SELECT relay.resume(100)"))
    db.session.commit()


def test_staff_pause_an_account_and_it_is_written_down(
    agency: Agency, staff: Visitor, unpaused: None
) -> None:
    form = {
        "reseller": agency.ref.key,
        "account": str(agency.customer.id),
        "sender": "Shop.Example",
        "reason": "Complaints",
        "hours": "1.5",
    }
    assert staff.post("/queue/pauses/new", form).status_code == 302
    made = active_pauses(db.session())[-1]
    assert made.wanted == Selection(
        reseller_id=agency.ref.id, account_id=agency.customer.id, sender_domain="shop.example"
    )
    assert made.until is not None
    assert timedelta(hours=1.4) < made.until - made.paused_at <= timedelta(hours=1.5)
    assert made.reason in staff.get("/queue").text
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (entry.action, entry.actor, entry.reseller_id) == ("queue.pause", made.paused_by, agency.ref.id)
    assert "@" in made.paused_by


def test_a_lane_is_paused_from_its_line(agency: Agency, staff: Visitor, unpaused: None) -> None:
    deliver(delivered)
    send(agency.customer, "One", rcpt_to=("a@crowded.example",))
    link = re.search(
        r'href="(/queue/pauses/new\?lane=(-?\d+))"[^>]*to crowded\.example', staff.get("/queue").text
    )
    assert link
    assert f'value="{link[2]}"' in staff.get(link[1]).text
    assert staff.post("/queue/pauses/new", {"lane": link[2], "reason": "Busy"}).status_code == 302
    assert active_pauses(db.session())[-1].wanted == Selection(lane=int(link[2]))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"reason": "why"}, "Say which part of the queue is meant."),
        ({"rcpt_domain": "a.example"}, "Say why"),
        ({"account": "1", "reason": "why"}, "An account needs its reseller named too."),
        ({"reseller": "nobody", "reason": "why"}, "nobody"),
        ({"reseller": "KEY", "account": "987654", "reason": "why"}, "account"),
        ({"rcpt_domain": "no domain", "reason": "why"}, "is no domain"),
        ({"lane": "seven", "reason": "why"}, "Not a valid integer"),
        ({"rcpt_domain": "a.example", "hours": "0", "reason": "why"}, "already over"),
        ({"reseller": "KEY", "sender": "a.example", "reason": "why"}, "name that, too"),
    ],
)
def test_what_can_not_be_paused_is_said_beside_the_field(
    agency: Agency, staff: Visitor, given: dict[str, str], said: str
) -> None:
    before = active_pauses(db.session())
    form = {name: agency.ref.key if value == "KEY" else value for name, value in given.items()}
    answer = staff.post("/queue/pauses/new", form)
    assert answer.status_code == 422
    assert said in answer.text
    assert 'class="field-error"' in answer.text
    assert active_pauses(db.session()) == before


def test_staff_end_a_pause_with_one_click_and_it_is_written_down(
    agency: Agency, staff: Visitor, paused: Pause
) -> None:
    assert staff.post(f"/queue/pauses/{paused.id}/end").status_code == 302
    assert paused.id not in [one.id for one in active_pauses(db.session())]
    actions = db.session.scalars(
        select(AuditEntry.action).where(AuditEntry.reseller_id == agency.ref.id).order_by(AuditEntry.id)
    ).all()
    assert actions[-2:] == ["queue.pause", "queue.resume"]
    assert staff.post(f"/queue/pauses/{paused.id}/end").status_code == 404


def test_held_mail_is_counted_beside_the_queue(agency: Agency, staff: Visitor) -> None:
    with tenant_session(agency.ref) as session:
        account = session.get_one(Account, agency.customer.id)
        account.at_quota_end, account.monthly_cap = "hold", 0
        session.commit()
    send(agency.customer, "One", "Two", verdict=Verdict.HELD)
    page = queue_page(staff)
    assert agency.ref.key in page
    assert 'data-label="Held">2<' in page
    with tenant_session(agency.ref) as session:
        discard_held(session, agency.customer.id, clock=SystemClock(), reason="The test is over")
        session.commit()
    assert agency.ref.key not in queue_page(staff)
