"""How well real mails are read: at least 97 of 100 rows right, and no address suppressed that should not be."""

import pytest

from relay_worker.bounces.arf import read_feedback
from relay_worker.bounces.dsn import read_report
from relay_worker.bounces.report import RecipientReport, Report, ReportKind
from tests.relay_worker.bounces.corpora import Row, rows

UNDELIVERED = (ReportKind.BOUNCE, ReportKind.DELAYED)
LEAST_SHARE_RIGHT = 0.97


def recipients_of(row: Row, report: Report) -> list[RecipientReport]:
    """Those the row is about; the only one of a report also without its address, for the return path knows it."""
    names = {name.strip("<>").lower() for name in (row.cells["recipient"], *row.cells["also"].split())}
    named = [one for one in report.recipients if {one.address.lower(), one.original_address.lower()} & names]
    return named or (list(report.recipients) if len(report.recipients) == 1 else [])


def is_right(row: Row, report: Report) -> bool:
    found = recipients_of(row, report)
    hard = any(one.hard for one in found)
    match row.cells["must"]:
        case "none":
            return report.kind not in UNDELIVERED
        case "hard":
            return hard
        case "either":
            return bool(found) and report.kind in UNDELIVERED
        case _:
            return bool(found) and report.kind in UNDELIVERED and not hard


def share_right(tested: list[Row]) -> float:
    return sum(is_right(row, read_report(row.raw)) for row in tested) / len(tested)


def test_at_least_97_of_100_bounces_are_read_right() -> None:
    assert share_right(rows("bounces")) >= LEAST_SHARE_RIGHT


def test_the_third_that_was_held_out_is_read_as_well() -> None:
    assert share_right([row for row in rows("bounces") if row.held_out]) >= LEAST_SHARE_RIGHT


def test_no_address_is_suppressed_that_should_not_be() -> None:
    kept = [row for row in rows("bounces") if row.cells["must"] in ("soft", "nothard", "none")]
    suppressed = [
        row.cells["file"] for row in kept if any(one.hard for one in recipients_of(row, read_report(row.raw)))
    ]
    assert suppressed == []


def test_nearly_every_report_names_its_recipient() -> None:
    bounces = [row for row in rows("bounces") if row.cells["must"] != "none"]
    named = [row for row in bounces if any(one.address for one in recipients_of(row, read_report(row.raw)))]
    assert len(named) / len(bounces) >= LEAST_SHARE_RIGHT


def test_most_original_message_ids_are_found() -> None:
    reports = [
        read_report(row.raw) for row in rows("bounces") if b"essage-I" in row.raw.partition(b"\n\n")[2]
    ]
    assert sum(bool(report.original_message_id) for report in reports) / len(reports) >= 0.9


@pytest.mark.parametrize("cell", ["recipient", "feedback_type", "sender", "message_id", "source_ip"])
def test_every_complaint_is_read_right(cell: str) -> None:
    read = {row.cells["file"]: read_feedback(row.raw) for row in rows("complaints")}
    assert all(report is not None for report in read.values())
    found = {
        name: {
            "recipient": next(iter(report.recipients or report.addressed_to), ""),
            "feedback_type": report.type,
            "sender": report.sender,
            "message_id": report.original_message_id,
            "source_ip": report.source_ip,
        }[cell]
        for name, report in read.items()
        if report is not None
    }
    assert found == {row.cells["file"]: row.cells[cell] for row in rows("complaints")}
