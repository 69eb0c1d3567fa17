"""`frankpost queue`, `held`, and what resellers and accounts choose about their mail."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select, text

from platform_core.database import db, tenant_session
from relay_worker.queue.door import Verdict
from tenants.models import Account, AuditEntry
from tests.fixtures_web import Agency, Tenant, deliver, delivered, send
from tests.relay_worker.queue.desk import forget_figures

Run = Callable[..., Result]
RunJson = Callable[..., Any]


@pytest.fixture
def sender(app: Flask, agency: Agency) -> Iterator[Tenant]:
    """The agency's main account; the queue is empty before and after."""
    deliver(delivered)
    yield agency.main
    deliver(delivered)


def whose(sender: Tenant) -> str:
    return f"--reseller {sender.reseller.key} --account {sender.id}"


def states(sender: Tenant) -> list[str]:
    with tenant_session(sender.reseller) as session:
        rows = session.execute(
            text("SELECT state FROM recipient WHERE account_id = :id ORDER BY 1"), {"id": sender.id}
        )
        return [row.state for row in rows]


def hold_at_quota_end(sender: Tenant, run: Run) -> None:
    run(f"account settings {sender.id} --at-quota-end hold --reseller {sender.reseller.key}")
    run(f"account limit {sender.id} --cap 1 --reseller {sender.reseller.key}")


def test_the_queue_is_shown_by_reseller_destination_and_age(
    sender: Tenant, run: Run, run_json: RunJson
) -> None:
    send(sender, "One", "Two")
    forget_figures()
    shown = run_json("queue show")
    (mine,) = [one for one in shown["resellers"] if one["reseller"] == sender.reseller.key]
    assert (mine["recipients"], mine["ready"]) == (2, 2)
    assert shown["lanes"][0]["domain"] == "example.org"
    assert shown["ages"][0]["younger_than_seconds"] == 60
    assert sender.reseller.key in run("queue show").stdout


def test_a_drop_is_asked_first_and_written_down(sender: Tenant, run: Run) -> None:
    send(sender, "One", "Two")
    line = f"queue drop {whose(sender)}"
    assert run(line, "--reason", "Spam traps", input="n\n").exit_code == 1
    assert states(sender) == ["queued", "queued"]
    assert "2 recipients are dropped" in run(line, "--reason", "Spam traps", "--yes").stdout
    assert states(sender) == ["dropped", "dropped"]
    audit = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "queue.drop")).all()[-1]
    assert (audit.reseller_id, audit.detail["recipients"]) == (sender.reseller.id, "2")


def test_a_tool_that_is_given_no_selection_refuses(run: Run) -> None:
    result = run("queue retry")
    assert (result.exit_code, "which part" in result.stderr) == (1, True)


def test_what_is_held_by_staff_is_listed_and_let_go(sender: Tenant, run: Run, run_json: RunJson) -> None:
    made = run_json(f"queue hold {whose(sender)}", "--reason", "A look first", "--hours", "2")
    assert [one["id"] for one in run_json("queue pauses")] == [made["id"]]
    send(sender, "One")
    deliver(delivered)
    assert states(sender) == ["queued"]
    assert run(f"queue release {made['id']}").exit_code == 0
    assert run(f"queue release {made['id']}").exit_code == 1
    db.session.execute(text("SELECT relay.resume(100)"))
    db.session.commit()
    deliver(delivered)
    assert states(sender) == ["delivered"]


def test_a_single_message_is_retried_by_its_id(sender: Tenant, run_json: RunJson) -> None:
    (message_id,) = send(sender, "One")
    assert run_json(f"queue retry --message {message_id}") == {"due_now": 0}


def test_an_account_chooses_what_becomes_of_its_mail(sender: Tenant, run_json: RunJson) -> None:
    line = f"account settings {sender.id} --reseller {sender.reseller.key}"
    changed = run_json(f"{line} --at-quota-end hold --keep-no-bodies --held-limit 5 --held-bytes 9000")
    assert changed == run_json(line)
    assert (changed["at_quota_end"], changed["held_limit"], changed["keep_bodies"]) == ("hold", 5, False)
    assert changed["held_bytes"] == 9000


def test_held_mail_is_listed_released_and_discarded(sender: Tenant, run: Run, run_json: RunJson) -> None:
    hold_at_quota_end(sender, run)
    send(sender, "One")
    send(sender, "Two", "Three", rcpt_to=("a@example.org",), verdict=Verdict.HELD)
    assert sender.reseller.key in [one["reseller"] for one in run_json("held list")]
    assert run_json(f"held show {whose(sender)}")["recipients"] == 2
    run(f"account limit {sender.id} --cap 2 --reseller {sender.reseller.key}")
    assert run_json(f"held release {whose(sender)}") == {"released": 1, "held": 1}
    assert run_json(f"held discard {whose(sender)} --yes") == {"discarded": 1}
    assert states(sender) == ["dropped", "queued", "queued"]


def test_a_reseller_has_its_days_of_retention(sender: Tenant, run: Run, run_json: RunJson) -> None:
    line = f"reseller retention {sender.reseller.key}"
    assert run_json(line) == {"key": sender.reseller.key, "mail_days": 90, "body_days": 30}
    assert run_json(f"{line} --mail-days 60 --body-days 7")["body_days"] == 7
    assert run(f"{line} --body-days 61").exit_code == 1


def test_a_choice_that_was_made_is_in_the_account(sender: Tenant, run: Run) -> None:
    hold_at_quota_end(sender, run)
    with tenant_session(sender.reseller) as session:
        assert session.get_one(Account, sender.id).at_quota_end == "hold"
