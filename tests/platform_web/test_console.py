"""The console: resellers and the queue, for staff on the platform's own host."""

import re
from uuid import uuid4

import pytest
from sqlalchemy import select

from platform_core.database import db
from platform_core.ids import ResellerKey
from platform_core.settings import settings
from tenants.models import AuditEntry, Reseller
from tests.fixtures_web import Agency, Visitor, deliver, delivered, send
from tests.relay_worker.queue.desk import forget_figures
from whitelabel.hosts import HostDispatcher


def form(**changes: str) -> dict[str, str]:
    key = f"c{uuid4().hex[:10]}"
    return {
        "name": "Contoso Mail",
        "key": key,
        "owner_email": f"owner@{key}.example",
        "portal": f"portal.{key}.localhost",
        "smtp": f"smtp.{key}.localhost",
        "return_path": "",
    } | changes


def test_a_new_reseller_can_be_used_at_once(web: HostDispatcher, staff: Visitor) -> None:
    wanted = form()
    page = staff.post("/resellers/new", wanted)
    assert page.status_code == 201
    password = re.findall(r'<dt>Password</dt><dd><span class="value"><code[^>]*>([^<]+)</code>', page.text)[0]
    Visitor(web, wanted["portal"]).log_in(wanted["owner_email"], password)
    assert wanted["key"] in staff.get(f"/?q={wanted['key']}").text


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"key": "Upper"},
        {"key": "r; drop schema"},
        {"key": "9lives"},
        {"owner_email": "nobody"},
        {"portal": "not a host"},
        {"smtp": ""},
    ],
)
def test_a_wrong_answer_makes_no_reseller(staff: Visitor, wrong: dict[str, str]) -> None:
    wanted = form(**wrong)
    answer = staff.post("/resellers/new", wanted)
    assert answer.status_code == 422
    assert "field-error" in answer.text
    assert db.session.scalar(select(Reseller).where(Reseller.key == wanted["key"])) is None


def test_a_taken_key_or_host_is_said_and_leaves_nothing(agency: Agency, staff: Visitor) -> None:
    assert "exists already" in staff.post("/resellers/new", form(key=agency.ref.key)).text
    wanted = form(portal=agency.portal)
    assert "already in use" in staff.post("/resellers/new", wanted).text
    assert db.session.scalar(select(Reseller).where(Reseller.key == wanted["key"])) is None


def test_suspending_is_asked_first_then_done_and_written_down(agency: Agency, staff: Visitor) -> None:
    path = f"/resellers/{agency.ref.key}"
    assert agency.name in staff.get(f"{path}/suspend").text
    assert staff.post(f"{path}/suspend").status_code == 302
    assert _state(agency) == "suspended"
    staff.post(f"{path}/resume")
    assert _state(agency) == "active"
    actions = db.session.scalars(
        select(AuditEntry.action).where(AuditEntry.reseller_id == agency.ref.id).order_by(AuditEntry.id)
    ).all()
    assert actions == ["reseller.create", "reseller.suspend", "reseller.resume"]


def test_an_audit_entry_names_who_did_it(agency: Agency, staff: Visitor) -> None:
    staff.post(f"/resellers/{agency.ref.key}/suspend")
    actor = db.session.scalar(
        select(AuditEntry.actor).where(
            AuditEntry.reseller_id == agency.ref.id, AuditEntry.action == "reseller.suspend"
        )
    )
    assert actor is not None and actor.endswith("@platform.example")


def test_a_reseller_that_does_not_exist_is_a_404(staff: Visitor) -> None:
    assert staff.get("/resellers/nobody/suspend").status_code == 404
    assert staff.post("/resellers/nobody/resume").status_code == 404


def test_the_list_shows_each_resellers_day_and_queue(agency: Agency, staff: Visitor) -> None:
    deliver(delivered)
    send(agency.customer, "One", "Two")
    deliver(delivered)
    send(agency.main, "Three")
    page = staff.get(f"/?q={agency.ref.key}").text
    assert 'data-label="Sent today">3<' in page
    assert 'data-label="Delivered">2 ' in page
    assert 'data-label="In queue">1<' in page


def test_pages_beyond_the_last_are_empty_and_no_error(staff: Visitor) -> None:
    for number in ("999", "0", "-1", "x", "99999999999999999999"):
        assert staff.get(f"/?page={number}").status_code == 200


def test_the_queue_page_shows_who_waits(agency: Agency, staff: Visitor) -> None:
    deliver(delivered)
    forget_figures()
    assert "The queue is empty" in staff.get("/queue").text
    send(agency.customer, "One")
    forget_figures()
    page = staff.get("/queue").text
    assert agency.ref.key in page
    assert "No worker is running" in page


def test_the_consoles_logins_end_in_the_database_too(staff: Visitor) -> None:
    cookie = staff.client.get_cookie("console_session", domain=staff.host)
    staff.post("/logout")
    assert cookie is not None
    staff.client.set_cookie("console_session", cookie.value, domain=staff.host)
    assert staff.get("/").status_code == 302


def test_the_console_bears_the_platforms_name(staff: Visitor) -> None:
    assert settings().platform_name in staff.get("/").text


def _state(agency: Agency) -> str | None:
    db.session.expire_all()
    return db.session.scalar(select(Reseller.state).where(Reseller.key == ResellerKey(agency.ref.key)))
