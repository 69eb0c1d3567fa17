"""Sending with allotments, which `relay.ingest` gives on demand."""

from datetime import datetime

from relay_worker.queue.door import Submission, Verdict
from tests.relay_worker.queue.desk import NOON, Desk, Sender

MOST = 16


def send(desk: Desk, *submissions: Submission, at: datetime = NOON) -> list[Verdict]:
    return desk.ingest(*submissions, at=at, allotment=MOST)


def settle(sender: Sender) -> None:
    sender.end_allotments()
    settle_log(sender)


def settle_log(sender: Sender) -> None:
    sender.books.execute("SELECT relay.post(1000, '0', true)")
