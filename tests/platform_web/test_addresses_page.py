"""The console's pages of pools and addresses: making, looking, pausing, and what is written down."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from platform_core.clock import SystemClock
from platform_core.database import db
from relay_worker.addresses.models import IpAddress, IpPool
from relay_worker.addresses.queries import address_named
from tenants.models import AuditEntry
from tests.fixtures_web import Agency, Visitor
from tests.relay_worker.queue.desk import owner_connection


@pytest.fixture(autouse=True)
def no_addresses(staff: Visitor) -> Iterator[None]:
    """None before and none left behind: all tests of this process share the platform."""
    for last in False, True:
        with owner_connection() as connection:
            connection.execute("TRUNCATE platform.ip_pool CASCADE")
        if not last:
            yield
            db.session.rollback()


@pytest.fixture
def pool(staff: Visitor) -> str:
    assert staff.post("/addresses/pools/new", pool_form(is_default="y")).status_code == 302
    return "main"


@pytest.fixture
def address(staff: Visitor, pool: str) -> IpAddress:
    assert staff.post("/addresses/new", address_form()).status_code == 302
    return address_named(db.session(), "192.0.2.1")


def pool_form(**changes: str) -> dict[str, str]:
    return {"name": "main", "reseller": "", "fallback": ""} | changes


def address_form(**changes: str) -> dict[str, str]:
    wanted = {
        "address": "192.0.2.1",
        "pool": "main",
        "helo": "mta1.example.net",
        "warm_up": "y",
        "peak_per_day": "",
    }
    return wanted | changes


def result(address: IpAddress, **counts: int) -> None:
    """What came of this hour."""
    hour = SystemClock().now().replace(minute=0, second=0, microsecond=0)
    names = ", ".join(counts)
    with owner_connection() as connection:
        connection.execute(
            f"INSERT INTO platform.ip_result (ip_id, provider, hour, {names}) VALUES (%s, 'google', %s, %s, %s)".encode(),
            (address.id, hour, *counts.values()),
        )


def test_without_a_pool_the_page_says_where_mail_leaves_from(staff: Visitor) -> None:
    assert "whatever address the system chooses" in staff.get("/addresses").text


def test_a_pool_of_a_reseller_shows_whose_it_is(staff: Visitor, pool: str, agency: Agency) -> None:
    form = pool_form(name="theirs", reseller=agency.ref.key, fallback="main")
    assert staff.post("/addresses/pools/new", form).status_code == 302
    page = staff.get("/addresses").text
    assert f"Dedicated to {agency.name}" in page
    assert "Falls back on main" in page


def test_a_new_address_is_shown_with_a_bar_for_each_provider(staff: Visitor, address: IpAddress) -> None:
    page = staff.get("/addresses").text
    assert "192.0.2.1" in page and "mta1.example.net" in page
    for provider in "Google", "Microsoft", "Yahoo", "Apple", "Others":
        assert f'aria-label="Warm-up for {provider}"' in page
    assert page.count("1/29") == 5


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/addresses/pools/new", pool_form(name="Not good")),
        ("/addresses/pools/new", pool_form(name="main")),
        ("/addresses/pools/new", pool_form(name="other", reseller="nobody")),
        ("/addresses/pools/new", pool_form(name="other", fallback="nowhere")),
        ("/addresses/new", address_form(address="not an address")),
        ("/addresses/new", address_form(address="192.0.2.1")),
        ("/addresses/new", address_form(address="192.0.2.2", helo="localhost")),
        ("/addresses/new", address_form(address="192.0.2.2", pool="nowhere")),
        ("/addresses/new", address_form(address="192.0.2.2", peak_per_day="5")),
    ],
)
def test_a_wrong_answer_is_said_beside_its_field_and_makes_nothing(
    staff: Visitor, address: IpAddress, path: str, form: dict[str, str]
) -> None:
    answer = staff.post(path, form)
    assert (answer.status_code, "field-error" in answer.text) == (422, True)
    rows: Session = db.session()
    rows.rollback()
    assert len(rows.scalars(select(IpPool)).all()) == len(rows.scalars(select(IpAddress)).all()) == 1


def test_a_reputation_says_what_lowers_it(staff: Visitor, address: IpAddress) -> None:
    result(address, delivered=960, blocked=40)
    page = staff.get("/addresses").text
    assert "Servers block it" in page
    assert '<strong class="num">80</strong>' in page
    detail = staff.get(f"/addresses/{address.id}").text
    assert 'data-label="Blocked">40<' in detail


def test_pausing_is_asked_first_then_done_and_written_down(staff: Visitor, address: IpAddress) -> None:
    path = f"/addresses/{address.id}"
    assert "Pause 192.0.2.1?" in staff.get(f"{path}/pause").text
    for verb in "pause", "resume", "warm", "warm-up", "retire":
        assert staff.post(f"{path}/{verb}").status_code == 302
    db.session.expire_all()
    assert address_named(db.session(), "192.0.2.1").state == "retired"
    entries = db.session.scalars(
        select(AuditEntry)
        .where(AuditEntry.detail["address"].astext == "192.0.2.1", AuditEntry.action.like("ip.%"))
        .order_by(AuditEntry.id.desc())
        .limit(6)
    ).all()
    actions = ["ip.add", "ip.pause", "ip.resume", "ip.warmup_stop", "ip.warmup_start", "ip.retire"]
    assert [one.action for one in reversed(entries)] == actions
    assert all(one.actor.endswith("@platform.example") for one in entries)


def test_what_can_t_be_done_is_refused(staff: Visitor, address: IpAddress) -> None:
    assert staff.post(f"/addresses/{address.id}/resume").status_code in (400, 409, 422)
    assert staff.get("/addresses/999999").status_code == 404


def test_days_of_a_warm_up_are_shown_with_their_verdict(staff: Visitor, address: IpAddress) -> None:
    yesterday = SystemClock().now().date() - timedelta(days=1)
    with owner_connection() as connection:
        connection.execute(
            """INSERT INTO platform.ip_warmup_day (ip_id, provider, day, stage, per_day, taken, verdict)
               VALUES (%s, 'yahoo', %s, 1, 200, 190, 'blocked')""",
            (address.id, yesterday),
        )
    page = staff.get(f"/addresses/{address.id}").text
    assert yesterday.isoformat() in page
    assert "Went down: blocked" in page
