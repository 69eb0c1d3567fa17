"""`frankpost pool`, `ip`, `blocklist`: through the real database and a nameserver."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import Result

from platform_core.database import ResellerRef
from platform_core.settings import Settings, settings
from platform_dev.nameserver import Nameserver
from relay_worker.addresses.checks.dnsbl import query_name
from tests.relay_worker.queue.desk import owner_connection

Run = Callable[..., Result]
RunJson = Callable[..., Any]


@pytest.fixture(autouse=True)
def no_addresses(database: Settings) -> Iterator[None]:
    """None before and none left behind: all tests of this process share the platform."""
    forget = "TRUNCATE platform.ip_pool CASCADE"
    with owner_connection() as connection:
        connection.execute(forget)
    yield
    with owner_connection() as connection:
        connection.execute(forget)


@pytest.fixture
def address(run_json: RunJson) -> str:
    run_json("pool create main --default")
    return str(run_json("ip add 192.0.2.1 --pool main --helo MTA1.example.net")["address"])


def test_a_pool_is_made_assigned_and_removed(reseller: ResellerRef, run: Run, run_json: RunJson) -> None:
    run_json("pool create warm")
    made = run_json(f"pool create theirs --dedicated-to {reseller.key} --fallback warm")
    assert (made["kind"], made["reseller"], made["fallback"]) == ("dedicated", reseller.key, "warm")
    run_json(f"pool assign theirs --reseller {reseller.key} --account main")
    assert run("pool delete theirs --yes").exit_code == 1
    run_json(f"pool unassign --reseller {reseller.key} --account main")
    assert run_json("pool delete theirs --yes") == {"name": "theirs", "deleted": True}
    assert [one["name"] for one in run_json("pool list")] == ["warm"]


def test_an_account_that_does_not_exist_is_assigned_to_nothing(reseller: ResellerRef, run: Run) -> None:
    assert run("pool create main --default").exit_code == 0
    refused = run(f"pool assign main --reseller {reseller.key} --account 999999")
    assert refused.exit_code == 1
    assert "account" in refused.stderr


def test_anothers_pool_is_refused_with_the_reason(
    make_reseller: Callable[..., Any], run: Run, run_json: RunJson
) -> None:
    mine, others = make_reseller().reseller, make_reseller().reseller
    run_json(f"pool create theirs --dedicated-to {others.key}")
    refused = run(f"pool assign theirs --reseller {mine.key}")
    assert (refused.exit_code, "dedicated to another reseller" in refused.stderr) == (1, True)


def test_an_address_goes_through_its_life(address: str, run: Run, run_json: RunJson) -> None:
    run_json("pool create other")
    for line, key, value in (
        ("ip pause 192.0.2.1", "state", "paused"),
        ("ip resume 192.0.2.1", "state", "active"),
        ("ip move 192.0.2.1 other", "pool", "other"),
        ("ip helo 192.0.2.1 out.example.net", "helo", "out.example.net"),
        ("ip retire 192.0.2.1 --yes", "state", "retired"),
    ):
        assert run_json(line)[key] == value
    assert run("ip pause 192.0.2.1").exit_code == 1
    (shown,) = run_json("ip list --pool other")
    assert (shown["address"], shown["reputation"]) == (address, 100)
    assert run_json("ip list --pool main") == []


def test_a_warm_up_is_shown_started_anew_and_stopped(address: str, run_json: RunJson) -> None:
    shown = run_json("ip warmup show 192.0.2.1")
    assert [(one["provider"], one["stage"], one["per_day"]) for one in shown] == [
        (provider, 1, 200) for provider in ("google", "microsoft", "yahoo", "apple", "other")
    ]
    started = run_json("ip warmup start 192.0.2.1 --stage 5 --provider google")
    assert [one["per_day"] for one in started] == [5000, 200, 200, 200, 200]
    run_json("ip warmup stop 192.0.2.1")
    assert run_json("ip warmup show 192.0.2.1") == []


def test_a_check_says_what_dns_says(address: str, run_json: RunJson, monkeypatch: pytest.MonkeyPatch) -> None:
    with Nameserver() as nameserver:
        nameserver.records.set("1.2.0.192.in-addr.arpa", "PTR", "mta1.example.net.")
        nameserver.records.set("mta1.example.net", "A", address)
        nameserver.records.set(query_name(address, "bl.spamcop.net"), "A", "127.0.0.2")
        monkeypatch.setenv("FRANKPOST_NAMESERVERS", nameserver.address)
        settings.cache_clear()
        (found,) = run_json("ip check 192.0.2.1")
        monkeypatch.undo()
        settings.cache_clear()
    assert (found["ptr"], found["ptr_name"], found["helo_confirmed"]) == (
        "confirmed",
        "mta1.example.net",
        True,
    )
    assert (found["listed_in"], found["standing"]) == ("SpamCop", "flawed")


def test_block_lists_are_data(run: Run, run_json: RunJson) -> None:
    before = {one["zone"] for one in run_json("blocklist list")}
    assert "zen.spamhaus.org" in before
    made = run_json("blocklist set Lists.Example.test --effect stop --ipv6 --name Ours")
    assert (made["zone"], made["effect"], made["ipv6"]) == ("lists.example.test", "stop", True)
    run_json("blocklist remove lists.example.test --yes")
    assert {one["zone"] for one in run_json("blocklist list")} == before
    assert run("blocklist remove lists.example.test --yes").exit_code == 1


@pytest.mark.parametrize(
    "line",
    [
        "pool create Upper",
        "pool fallback nobody",
        "ip add 300.1.1.1 --pool main --helo mta1.example.net",
        "ip add 192.0.2.2 --pool nobody --helo mta1.example.net",
        "ip add 192.0.2.2 --pool main --helo localhost",
        "ip add 192.0.2.1 --pool main --helo mta2.example.net",
        "ip add 192.0.2.2 --pool main --helo mta2.example.net --peak 5",
        "ip pause 192.0.2.77",
        "ip resume 192.0.2.1",
    ],
)
def test_what_can_t_be_is_refused_with_a_sentence(address: str, run: Run, line: str) -> None:
    refused = run(line)
    assert refused.exit_code == 1
    assert refused.stderr.startswith("Error: ") and len(refused.stderr) > 20


def test_the_text_is_for_people(address: str, run: Run) -> None:
    assert "192.0.2.1" in run("ip list").stdout
    assert "is paused" in run("ip pause 192.0.2.1").stdout
    assert json.loads(run("ip list --json").stdout)[0]["state"] == "paused"
