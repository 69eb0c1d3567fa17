"""`frankpost suppression import` and `export`, and `frankpost inbound`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from platform_core.clock import SystemClock
from platform_core.database import ResellerRef
from tests.relay_worker.queue.desk import owner_connection

Run = Callable[..., Result]
RunJson = Callable[..., Any]


def test_a_list_goes_in_and_comes_out(reseller: ResellerRef, run: Run, run_json: RunJson) -> None:
    line = f"suppression import - --reseller {reseller.key}"
    assert run_json(line, input="address,reason\na@one.example,complaint\nb@one.example\n") == {
        "added": 2,
        "known": 0,
        "skipped": 0,
    }
    out = run(f"suppression export --reason complaint --reseller {reseller.key}").stdout.splitlines()
    assert out[0] == "address,reason,origin,created_at"
    assert [line.split(",")[:3] for line in out[1:]] == [["a@one.example", "complaint", "command line"]]


def test_a_list_with_a_bad_line_is_refused_whole_unless_it_is_to_be_skipped(
    reseller: ResellerRef, run: Run, run_json: RunJson, tmp_path: Path
) -> None:
    file = tmp_path / "list.csv"
    file.write_text("a@one.example\nnobody\n")
    line = f"suppression import {file} --reseller {reseller.key}"
    refused = run(line)
    assert refused.exit_code == 1
    assert "Line 2: 'nobody' is not an address" in refused.stderr
    assert run_json(f"suppression list --reseller {reseller.key}") == []
    assert run_json(f"{line} --skip-bad")["added"] == 1


@pytest.fixture
def left(reseller: ResellerRef) -> int:
    """The id of a mail that was not understood."""
    query = """INSERT INTO relay.inbound (reseller_id, kind, mail_from, rcpt_to, client_address, received_at, raw, state,
               reason) VALUES (%s, 'feedback', '', 'fbl@x.example', '192.0.2.1', %s, %s, 'not_understood', 'odd')
               RETURNING id"""
    values = (reseller.id, SystemClock().now(), b"Subject: \xff\r\n\r\nHello\r\n")
    with owner_connection() as connection:
        row = connection.execute(query, values).fetchone()
    assert row
    return int(row["id"])


def test_what_was_not_understood_is_listed_and_shown_as_it_came(
    reseller: ResellerRef, run: Run, run_json: RunJson, left: int
) -> None:
    (line,) = run_json(f"inbound list --reseller {reseller.key}")
    assert (line["id"], line["kind"], line["reason"]) == (left, "feedback", "odd")
    assert run(f"inbound show {left}").stdout_bytes == b"Subject: \xff\r\n\r\nHello\r\n"


def test_it_is_read_again_when_that_is_asked(
    reseller: ResellerRef, run: Run, run_json: RunJson, left: int
) -> None:
    run_json(f"inbound read-again {left}")
    assert run_json(f"inbound list --reseller {reseller.key}") == []
    (line,) = run_json(f"inbound list --state unread --reseller {reseller.key}")
    assert line["id"] == left
    assert run(f"inbound read-again {left}").exit_code == 1


def test_what_somebody_has_dealt_with_is_off_the_list(
    reseller: ResellerRef, run: Run, run_json: RunJson, left: int
) -> None:
    assert run_json(f"inbound done {left}") == {"id": left, "state": "done"}
    assert run_json(f"inbound list --reseller {reseller.key}") == []
    assert [line["id"] for line in run_json(f"inbound list --state done --reseller {reseller.key}")] == [left]
    assert run(f"inbound done {left}").exit_code == 1
    run_json(f"inbound read-again {left}")
    assert [line["id"] for line in run_json(f"inbound list --state unread --reseller {reseller.key}")] == [
        left
    ]


def test_a_mail_that_is_not_there_is_refused(run: Run) -> None:
    assert run("inbound show 0").exit_code == 1
