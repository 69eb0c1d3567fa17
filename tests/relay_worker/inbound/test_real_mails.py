"""Real bounces and complaints through the whole chain: socket, database, job, suppression."""

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from platform_core.settings import ROOT
from relay_worker.bounces.arf import FeedbackType
from relay_worker.bounces.dsn import read_report
from tests.relay_worker.inbound.returns import ReturnRelay, Sent, accept, read_all, suppressions
from tests.relay_worker.queue.desk import Desk, Sender, result

CORPORA = ROOT.parent / "shared" / "corpora"

pytestmark = pytest.mark.skipif(not CORPORA.is_dir(), reason=f"no real mails in {CORPORA}")


def expected(folder: str) -> dict[Path, list[dict[str, str]]]:
    """The rows of its table for each mail."""
    rows: dict[Path, list[dict[str, str]]] = defaultdict(list)
    with (CORPORA / folder / "expected.csv").open() as table:
        for row in csv.DictReader(table):
            rows[CORPORA / folder / "eml" / row["file"]].append(row)
    return rows


def recipient_of(row: dict[str, str], number: int) -> str:
    """Whom we had sent to: as the table says, at an account's list of its own."""
    return row["recipient"] if "@" in row["recipient"] else f"somebody{number}@nowhere.example"


def deliver_all(desk: Desk, shop: Sender, mails: dict[Path, list[dict[str, str]]]) -> dict[Path, Sent]:
    sent = {
        mail: accept(desk, shop, *dict.fromkeys(recipient_of(row, n) for n, row in enumerate(rows)))
        for mail, rows in mails.items()
    }
    worker = desk.worker()
    while claimed := worker.claim(500):
        worker.finish(*(result(one) for one in claimed))
    return sent


def test_real_bounces_suppress_whom_they_should_and_nobody_else(
    relay: ReturnRelay, desk: Desk, shop: Sender
) -> None:
    mails = expected("bounces")
    sent = deliver_all(desk, shop, mails)
    lost, wrong = [], []
    for mail, rows in mails.items():
        relay.bring(sent[mail].return_path(), mail.read_bytes())
        read_all()
        suppressed = suppressions(shop)
        shop.rows("DELETE FROM suppression WHERE account_id = %(account)s RETURNING 1")
        addresses = {recipient_of(row, n).lower(): row["must"] for n, row in enumerate(rows)}
        wrong += [mail.name for one in suppressed if addresses[one] in ("soft", "nothard", "none")]
        # How many the reader gets right is measured where it is tested; on the way from it nothing may be lost.
        read = any(one.hard for one in read_report(mail.read_bytes()).recipients)
        lost += [
            mail.name for one, must in addresses.items() if must == "hard" and read and one not in suppressed
        ]
    assert (wrong, lost) == ([], [])


def test_real_complaints_are_told_from_what_is_none(relay: ReturnRelay, desk: Desk, shop: Sender) -> None:
    mails = expected("complaints")
    sent = deliver_all(desk, shop, mails)
    for mail in mails:
        relay.bring(sent[mail].return_path(), mail.read_bytes())
    read_all()
    for mail, (row,) in mails.items():
        complained = "complained" in sent[mail].events()
        assert complained == (row["feedback_type"] in (FeedbackType.ABUSE, FeedbackType.FRAUD)), mail.name
