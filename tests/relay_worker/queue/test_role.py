"""What the relay's role can do beside calling the functions that are its door: nothing."""

from collections.abc import Iterator

import psycopg
import pytest

from platform_core.database import relay_url, schema_of
from platform_core.settings import Settings
from tests.relay_worker.queue.conftest import OpenAccount
from tests.relay_worker.queue.desk import Desk, owner_connection

DOOR = {
    *("ingest", "known", "route", "hostnames"),
    *("claim", "renew", "finish", "post", "body", "sender", "anything_due"),
    *("hand_over", "claim_handed"),
    *("mta_sts_policies", "keep_mta_sts_policy", "count_tls"),
    *(
        "traffic_rules",
        "traffic_reactions",
        "paused_lanes",
        "lane_states",
        "keep_lane_states",
        "learn_sites",
        "postpone",
    ),
    *("inbound_owner", "keep_inbound"),
    *("ip_pools", "ip_addresses", "pool_assignments", "take_allowance", "count_address_results"),
}


@pytest.fixture
def relay(database: Settings) -> Iterator[psycopg.Connection]:
    url = relay_url(database).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def tables() -> list[str]:
    """Every table of the platform, the queue and the resellers."""
    query = """SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
               WHERE schemaname IN ('platform', 'relay') OR schemaname LIKE 'r\\_%'"""
    with owner_connection() as connection:
        return [row["name"] for row in connection.execute(query).fetchall()]


def test_no_table_can_be_read_or_written(relay: psycopg.Connection, account: OpenAccount) -> None:
    account(credits=1)
    checked = tables()
    assert "relay.due" in checked and len(checked) > 40
    query = "SELECT name FROM unnest(%s::text[]) name WHERE has_table_privilege(%s, name, %s)"
    for privilege in "SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER":
        with owner_connection() as connection:
            found = connection.execute(query, (checked, "frankpost_relay", privilege)).fetchall()
        assert found == [], privilege


def test_reading_a_table_fails_in_truth(relay: psycopg.Connection, account: OpenAccount) -> None:
    schema = schema_of(account().reseller.key)
    for table in (
        "relay.due",
        "platform.reseller",
        "platform.smtp_route",
        f"{schema}.message",
        f"{schema}.account",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            relay.execute(f"SELECT * FROM {table}")


def test_it_can_become_no_other_role(relay: psycopg.Connection, account: OpenAccount) -> None:
    for role in schema_of(account().reseller.key), "frankpost_web", "frankpost_owner", "frankpost":
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            relay.execute(f"SET ROLE {role}")


def test_of_our_functions_it_may_call_the_door_alone(database: Settings, account: OpenAccount) -> None:
    account()
    query = """SELECT n.nspname || '.' || p.proname AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
               WHERE (n.nspname IN ('platform', 'relay') OR n.nspname LIKE 'r\\_%') AND p.prorettype <> 'trigger'::regtype
                 AND has_schema_privilege('frankpost_relay', n.oid, 'USAGE')
                 AND has_function_privilege('frankpost_relay', p.oid, 'EXECUTE')"""
    with owner_connection() as connection:
        found = {row["name"] for row in connection.execute(query.encode()).fetchall()}
    assert found == {f"relay.{name}" for name in DOOR}


def test_it_can_make_nothing_of_its_own(relay: psycopg.Connection) -> None:
    for statement in (
        "CREATE TABLE public.mine (n int)",
        "CREATE TEMP TABLE mine (n int)",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE ROLE mine",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            relay.execute(statement)


def test_the_door_reads_its_own_tables_whatever_the_callers_search_path(
    desk: Desk, relay: psycopg.Connection, account: OpenAccount
) -> None:
    sender = account(credits=1)
    relay.execute("SET search_path = public")
    row = relay.execute("SELECT reseller_id FROM relay.route(%s)", (sender.user_name,)).fetchone()
    assert row == (sender.reseller.id,)
