"""A reseller whose customer asks for reports, a worker that delivers, and the job that sends them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from flask import Flask

from platform_core.clock import SystemClock
from platform_core.database import ResellerRef
from platform_core.ids import MessageId, new_message_id
from platform_core.mail.states import RecipientState
from platform_core.settings import Settings
from relay_worker.bounces.classes import OutcomeClass
from relay_worker.notices.jobs import send_notices
from relay_worker.queue.claims import Claimed, Result
from relay_worker.queue.door import Submission
from tests.fixtures_database import fresh_reseller
from tests.relay_worker.queue.desk import Desk, Sender, Worker, open_account, owner_connection, result


@pytest.fixture(scope="session")
def reseller_of_reports(headless_app: Flask) -> ResellerRef:
    with headless_app.app_context():
        return fresh_reseller("Report Mail", key=f"n{uuid4().hex[:10]}").reseller


@pytest.fixture(scope="session")
def desk(database: Settings) -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.close()


@pytest.fixture(scope="session")
def books(database: Settings) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    with owner_connection() as connection:
        connection.autocommit = True
        yield connection


@dataclass
class Shop:
    """A customer that sends, with what happens to its mail at hand."""

    sender: Sender
    desk: Desk
    worker: Worker

    def send(
        self, *rcpt_to: str, asked: str = "NOTIFY=SUCCESS,FAILURE,DELAY", **changes: Any
    ) -> list[Claimed]:
        """Have a message accepted that asks so for each recipient, and claim it."""
        to = rcpt_to or ("b@x.example",)
        dsn = tuple(f"{asked} ORCPT=rfc822;{address}".strip() for address in to) if asked else ()
        self.desk.accept(self.sender.message(*to, rcpt_dsn=dsn, **changes))
        return self.worker.claim()

    def send_earlier(self, ago: timedelta, **changes: Any) -> list[Claimed]:
        return self.send(message_id=new_message_id(SystemClock().now() - ago), **changes)

    def ends(self, claimed: Claimed, state: RecipientState, **changes: object) -> Result:
        """Record that an attempt came to this."""
        ended = replace(result(claimed, state), **changes)
        self.worker.finish(ended)
        return ended

    def refused(self, claimed: Claimed) -> None:
        why = {"reply_code": 550, "enhanced_code": "5.1.1", "reply_text": "no such user"}
        self.ends(claimed, RecipientState.BOUNCED, outcome_class=OutcomeClass.NO_SUCH_ADDRESS, **why)

    def run_job(self) -> None:
        send_notices()

    def told(self) -> list[Claimed]:
        """Run the job, and claim the reports that it has queued."""
        self.run_job()
        return [one for one in self.worker.claim() if one.account_id == 0]

    def actions(self) -> list[str]:
        """The reports noted so far, by kind."""
        found = self.sender.rows(
            """SELECT o.action FROM notice o JOIN message m ON m.id = o.message_id
               WHERE m.account_id = %(account)s ORDER BY 1"""
        )
        return [row["action"] for row in found]

    def open_request(self) -> bool:
        return bool(self.sender.value("SELECT bool_or(dsn IS NOT NULL AND NOT dsn_settled) FROM recipient"))

    def state_of_report(self, message_id: MessageId) -> str:
        found = self.sender.rows("SELECT message_id, state FROM recipient WHERE account_id = 0")
        return next(row["state"] for row in found if row["message_id"] == message_id)

    def submission(self, **changes: Any) -> Submission:
        return self.sender.message(**changes)


@pytest.fixture
def shop(
    app: Flask, desk: Desk, books: psycopg.Connection[dict[str, Any]], reseller_of_reports: ResellerRef
) -> Shop:
    books.execute("DELETE FROM relay.due")
    return Shop(open_account(books, reseller_of_reports, plan=100), desk, desk.worker())
