"""The console's page of traffic: rules, reactions, lanes held back, and what is written down."""

from collections.abc import Iterator

import pytest
from psycopg.types.json import Jsonb
from sqlalchemy import select

from platform_core.clock import SystemClock
from platform_core.database import db
from relay_worker.traffic.queries import traffic_rule, traffic_rules
from tenants.models import AuditEntry
from tests.fixtures_web import Visitor
from tests.relay_worker.queue.desk import owner_connection


@pytest.fixture(autouse=True)
def as_delivered(staff: Visitor) -> Iterator[None]:
    """The rules as they were, afterwards: all tests of this process share the platform."""
    tables = "relay.traffic_rule", "relay.traffic_reaction"
    with owner_connection() as connection:
        kept = [
            connection.execute(f"SELECT to_jsonb(t) AS row FROM {table} t").fetchall() for table in tables
        ]
    yield
    db.session.rollback()
    with owner_connection() as connection:
        connection.execute("TRUNCATE relay.traffic_rule, relay.traffic_reaction, relay.lane_state")
        for table, rows in zip(tables, kept, strict=True):
            for row in rows:
                insert = f"INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, %s::jsonb)"
                connection.execute(insert, (Jsonb(row["row"]),))


def rule_form(**changes: str) -> dict[str, str]:
    return {
        "mx_suffixes": "google.com, googlemail.com",
        "one_lane": "y",
        "connections": "7",
        "connections_per_minute": "",
        "messages_per_connection": "50",
        "messages_per_hour": "2000",
        "requires_tls": "y",
        "source": "their postmaster page",
    } | changes


def test_every_rule_is_shown_with_its_source(staff: Visitor) -> None:
    page = staff.get("/traffic").text
    for name in (
        "default",
        "google",
        "microsoft",
        "yahoo",
        "apple",
        "gmx",
        "orange",
        "comcast",
        "barracuda",
        "qq",
    ):
        assert f"<strong>{name}</strong>" in page
    assert "2026-08-01" in page
    assert "No lane is held back" in page


def test_a_changed_rule_is_kept_with_its_day_and_written_down(staff: Visitor) -> None:
    assert staff.post("/traffic/rules/google", rule_form()).status_code == 302
    rule = traffic_rule(db.session(), "google")
    assert (rule.connections, rule.messages_per_hour, rule.sourced_on) == (
        7,
        2000,
        SystemClock().now().date(),
    )
    assert rule.mx_suffixes == ("google.com", "googlemail.com")
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None and entry.action == "traffic.change"
    assert (entry.detail["rule"], entry.detail["connections"]) == ("google", "5 -> 7")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"connections": "0"}, "from 1 to 1000"),
        ({"connections": "many"}, "Not a valid integer"),
        ({"messages_per_hour": "-5"}, "from 1 to"),
        ({"mx_suffixes": "not a/suffix"}, "no end of a mail server"),
        ({"mx_suffixes": "yahoodns.net"}, "belongs to the rule yahoo"),
        ({"mx_suffixes": ""}, "every other rule names some"),
        ({"source": ""}, "where the values come from"),
    ],
)
def test_a_wrong_value_is_said_and_changes_nothing(
    staff: Visitor, wrong: dict[str, str], sentence: str
) -> None:
    answer = staff.post("/traffic/rules/google", rule_form(**wrong))
    assert answer.status_code == 422
    assert sentence in answer.text
    assert traffic_rule(db.session(), "google").connections == 5


def test_a_rule_is_made_and_removed(staff: Visitor) -> None:
    wanted = rule_form(name="seznam", mx_suffixes="seznam.cz")
    assert staff.post("/traffic/rules/new", wanted).status_code == 302
    assert staff.post("/traffic/rules/new", wanted).status_code == 422
    assert traffic_rule(db.session(), "seznam").connections == 7
    assert "default holds" in staff.get("/traffic/rules/seznam/remove").text
    staff.post("/traffic/rules/seznam/remove")
    assert "seznam" not in {rule.name for rule in traffic_rules(db.session())}


def test_reactions_are_added_and_removed(staff: Visitor) -> None:
    form = {"says": "TSS09", "pause_minutes": "30", "messages_per_minute": "2", "hold_minutes": "60"}
    assert staff.post("/traffic/rules/yahoo/reactions/new", form).status_code == 302
    assert "tss09" in staff.get("/traffic/rules/yahoo").text
    (reaction,) = [one for one in traffic_rule(db.session(), "yahoo").reactions if one.says == "tss09"]
    assert (reaction.pause_seconds, reaction.messages_per_minute, reaction.hold_seconds) == (1800, 2, 3600)
    staff.post("/traffic/rules/yahoo/reactions/remove", {"says": "tss09"})
    assert "tss09" not in staff.get("/traffic/rules/yahoo").text


def test_a_reaction_that_does_nothing_is_refused(staff: Visitor) -> None:
    answer = staff.post("/traffic/rules/yahoo/reactions/new", {"says": "TSS09"})
    assert answer.status_code == 422
    assert "needs a pause or a rate" in answer.text


def test_a_lane_held_back_is_shown_with_its_reason_and_released(staff: Visitor) -> None:
    with owner_connection() as connection:
        connection.execute(
            """INSERT INTO relay.lane_state VALUES (1, '192.0.2.1', 'yahoo', 'yahoo', 1, NULL, NULL,
               now() + interval '2 hours', 1, '421 4.7.0 [TSS04] deferred', now())"""
        )
    page = staff.get("/traffic").text
    assert "[TSS04] deferred" in page and "closed" in page
    assert staff.post("/traffic/lanes/release", {"site": "yahoo", "source": "192.0.2.1"}).status_code == 302
    assert "No lane is held back" in staff.get("/traffic").text


def test_what_is_not_there_is_a_404(staff: Visitor) -> None:
    assert staff.get("/traffic/rules/nobody").status_code == 404
    assert staff.post("/traffic/lanes/release", {"site": "nowhere", "source": ""}).status_code == 404
