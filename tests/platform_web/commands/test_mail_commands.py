"""`frankpost domain`, `suppression`, `credits`: through the real database and a nameserver."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import Result

from platform_core.database import ResellerRef
from platform_core.settings import settings
from platform_dev.nameserver import Nameserver

Run = Callable[..., Result]
RunJson = Callable[..., Any]


@pytest.fixture
def nameserver(reseller: ResellerRef, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nameserver]:
    with Nameserver() as nameserver:
        monkeypatch.setenv("FRANKPOST_NAMESERVERS", nameserver.address)
        settings.cache_clear()
        yield nameserver
        monkeypatch.undo()
        settings.cache_clear()


def test_a_domain_with_its_records_published_is_verified_by_a_check(
    reseller: ResellerRef, run_json: RunJson, nameserver: Nameserver
) -> None:
    added = run_json(f"domain add customer.example --reseller {reseller.key}")
    assert added["state"] == "pending"
    for record in added["records"]:
        if record["need"] != "optional":
            nameserver.records.set(record["host"], record["type"], record["value"])
    checked = run_json(f"domain check customer.example --reseller {reseller.key}")
    assert checked["state"] == "verified"
    assert {record["purpose"]: record["state"] for record in checked["records"]} == {
        "dkim": "ok",
        "return_path": "ok",
        "dmarc": "ok",
    }


def test_a_rotation_shows_both_keys_until_the_new_one_is_found(
    reseller: ResellerRef, run_json: RunJson, nameserver: Nameserver
) -> None:
    run_json(f"domain add customer.example --reseller {reseller.key}")
    rotated = run_json(f"domain rotate-key customer.example --reseller {reseller.key}")
    assert [record["purpose"] for record in rotated["records"]][:2] == ["dkim", "dkim_next"]
    following = rotated["records"][1]
    nameserver.records.set(following["host"], "TXT", following["value"])
    checked = run_json(f"domain check customer.example --reseller {reseller.key}")
    hosts = [record["host"] for record in checked["records"] if record["purpose"].startswith("dkim")]
    assert hosts == [following["host"]]


def test_the_text_shows_each_record_for_copying(reseller: ResellerRef, run: Run) -> None:
    shown = run(f"domain add customer.example --reseller {reseller.key}").stdout
    assert "._domainkey.customer.example" in shown
    assert "v=DKIM1; k=rsa; p=" in shown


def test_a_removed_domain_is_gone(reseller: ResellerRef, run: Run, run_json: RunJson) -> None:
    run_json(f"domain add customer.example --reseller {reseller.key}")
    assert run(f"domain remove customer.example --yes --reseller {reseller.key}").exit_code == 0
    assert run_json(f"domain list --reseller {reseller.key}") == []


def test_suppressions_are_added_found_and_removed(reseller: ResellerRef, run: Run, run_json: RunJson) -> None:
    run_json(f"suppression add Jo@Shop.example --reseller {reseller.key}")
    found = run_json(f"suppression list --containing shop --reseller {reseller.key}")
    assert [(one["address"], one["reason"]) for one in found] == [("jo@shop.example", "manual")]
    assert run(f"suppression remove jo@shop.example --yes --reseller {reseller.key}").exit_code == 0
    assert run_json(f"suppression list --reseller {reseller.key}") == []


def test_granted_credits_are_in_the_balance_and_in_the_ledger(
    reseller: ResellerRef, run_json: RunJson
) -> None:
    run_json(f"credits grant 1000 --reseller {reseller.key}", "--note", "welcome gift")
    assert run_json(f"credits balance --reseller {reseller.key}")["credits_left"] == 1000
    (entry,) = run_json(f"credits entries --reseller {reseller.key}")
    assert (entry["kind"], entry["credits"], entry["note"]) == ("granted", 1000, "welcome gift")


def test_a_grant_of_nothing_is_refused_and_writes_nothing(
    reseller: ResellerRef, run: Run, run_json: RunJson
) -> None:
    assert run(f"credits grant 0 --reseller {reseller.key}").exit_code == 1
    assert run_json(f"credits entries --reseller {reseller.key}") == []
