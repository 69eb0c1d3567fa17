"""`frankpost traffic`: through the real database."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import Result

from platform_core.settings import Settings
from tests.relay_worker.queue.desk import owner_connection

Run = Callable[..., Result]
RunJson = Callable[..., Any]

MADE = "name LIKE 'test-%'"


@pytest.fixture(autouse=True)
def only_the_rules_delivered(database: Settings) -> Iterator[None]:
    yield
    with owner_connection() as connection:
        connection.execute(f"DELETE FROM relay.traffic_rule WHERE {MADE}")
        connection.execute("TRUNCATE relay.lane_state")


@pytest.fixture
def rule(run_json: RunJson) -> str:
    made = run_json("traffic create test-one --mx mx.one.test --connections 3 --source", "their page")
    assert made["connections_per_minute"] == 100  # as in the default
    return str(made["name"])


def test_the_rules_are_listed_the_default_first(run_json: RunJson) -> None:
    names = [rule["name"] for rule in run_json("traffic list")]
    assert names[0] == "default"
    assert {"google", "microsoft", "yahoo", "apple", "mimecast"} <= set(names)


def test_a_rule_comes_with_its_reactions(run_json: RunJson) -> None:
    shown = run_json("traffic show yahoo")
    assert shown["reactions"] == [
        {"says": "tss04", "pause_seconds": 7200, "messages_per_minute": None, "hold_seconds": 0}
    ]


def test_values_are_changed_one_by_one_and_limits_lifted(rule: str, run_json: RunJson) -> None:
    changed = run_json(f"traffic set {rule} --connections-per-minute none --messages-per-hour 500")
    assert (changed["connections"], changed["connections_per_minute"], changed["messages_per_hour"]) == (
        3,
        None,
        500,
    )


def test_what_a_rule_can_not_be_is_refused_with_the_reason(rule: str, run: Run) -> None:
    refused = run(f"traffic set {rule} --connections 5000")
    assert (refused.exit_code, "from 1 to 1000" in refused.stderr) == (1, True)
    assert run(f"traffic set {rule}").exit_code == 2
    assert run("traffic remove default --yes").exit_code == 1
    assert run(f"traffic create {rule} --mx mx.two.test --source x").exit_code == 1


def test_a_rule_learns_and_forgets_a_reaction(rule: str, run_json: RunJson, run: Run) -> None:
    assert (
        run_json(f"traffic react {rule}", "Too Fast", "--per-minute", "5", "--hold", "600")[0]["says"]
        == "too fast"
    )
    assert run_json(f"traffic ignore {rule}", "too fast") == []
    assert run(f"traffic ignore {rule} never").exit_code == 1


def test_a_removed_rule_is_gone(rule: str, run: Run) -> None:
    assert run(f"traffic remove {rule} --yes").exit_code == 0
    assert run(f"traffic show {rule}").exit_code == 1


def test_lanes_held_back_are_listed_and_released(run: Run, run_json: RunJson) -> None:
    with owner_connection() as connection:
        connection.execute(
            "INSERT INTO relay.lane_state VALUES (1, '', 'mx.x.test:25', 'default', 2, NULL, NULL, NULL, 0, '421', now())"
        )
    (lane,) = run_json("traffic lanes")
    assert (lane["site"], lane["connections"], lane["reason"]) == ("mx.x.test:25", 2, "421")
    assert run("traffic release mx.x.test:25").exit_code == 0
    assert run_json("traffic lanes") == []
    assert run("traffic release mx.nowhere.test").exit_code == 1
