"""A relay that takes mail back into the real database, mail that was delivered before, and reports on it."""

import smtplib
import time
from dataclasses import dataclass
from typing import Any

import psycopg

from platform_core.clock import SystemClock
from platform_core.ids import MessageId
from platform_core.mail.states import RecipientState
from platform_core.settings import settings
from relay_worker.delivery.verp import ReturnPaths
from relay_worker.inbound.door import InboundDoor, Intake
from relay_worker.inbound.jobs import read
from relay_worker.inbound.postgres import PostgresInbound
from relay_worker.queue.postgres import open_pool
from relay_worker.submission.listeners import Relay
from relay_worker.suppressions.tokens import UnsubscribeTokens
from tests.relay_worker.queue.desk import Desk, Sender, result
from tests.relay_worker.submission.fakes import FakeDoor
from tests.relay_worker.submission.relays import PATIENCE, RunningRelay, make_settings

Books = psycopg.Connection[dict[str, Any]]


def secret_key() -> str:
    return settings().secret_key.get_secret_value()


def return_path_host(sender: Sender) -> str:
    return f"return-path.{sender.reseller.key}.example"


class ReturnRelay(RunningRelay):
    """A relay whose first port takes mail back. `inbound_rings` counts the calls for somebody to read it."""

    def __init__(self, *, inbound: InboundDoor | None = None, **changes: object) -> None:
        """`inbound`: a door in place of the real one."""
        self._inbound = inbound
        values = {"inbound_ports": (0,), "secret_key": secret_key(), **changes}
        super().__init__(make_settings(**values), FakeDoor())
        self.inbound_rings = 0

    async def _ring_inbound(self) -> None:
        self.inbound_rings += 1

    async def _start(self) -> None:
        self.pool = await open_pool(settings(), size=2)
        intake = Intake(self._inbound or PostgresInbound(self.pool), self._ring_inbound)
        self.relay = Relay(
            self.settings, self.door, redis=None, ring=self._ring, clock=SystemClock(), intake=intake
        )
        await self.relay.start()

    def wait_for_ring(self, number: int) -> None:
        """Until it has rung so often: it rings beside its reply."""
        deadline = time.monotonic() + PATIENCE
        while self.inbound_rings < number:
            assert time.monotonic() < deadline, f"rang {self.inbound_rings} times, not {number}"
            time.sleep(0.01)

    def stop(self) -> None:
        if not self._stopped:
            self.run(self.pool.close())
        super().stop()

    def bring(self, rcpt_to: str, raw: bytes, *, mail_from: str = "") -> None:
        """Bring a mail back, as another server does. Raises what smtplib raises for a refusal."""
        with smtplib.SMTP("127.0.0.1", self.port, local_hostname="mx.there.example", timeout=20) as client:
            client.sendmail(mail_from, [rcpt_to], raw)


@dataclass(frozen=True)
class Sent:
    """A message that was delivered to these recipients."""

    sender: Sender
    message_id: MessageId
    rcpt_to: tuple[str, ...]

    def return_path(self, n: int = 0, host: str = "") -> str:
        local = ReturnPaths.from_secret(secret_key()).local_part(self.message_id, n)
        return f"{local}@{host or return_path_host(self.sender)}"

    def unsubscribe_mailbox(self, n: int = 0) -> str:
        local = UnsubscribeTokens.from_secret(secret_key()).make_mailbox(self.message_id, n)
        return f"{local}@{return_path_host(self.sender)}"

    def state(self, n: int = 0) -> tuple[str, str | None]:
        row = self._row(n)
        return row["state"], row["bounce_kind"]

    def events(self, n: int = 0) -> list[str]:
        """The kinds of what happened, in its order."""
        query = f"SELECT kind FROM event WHERE message_id = '{self.message_id}' AND n = {n} ORDER BY at"
        return [row["kind"] for row in self.sender.rows(query)]

    def _row(self, n: int) -> dict[str, Any]:
        return self.sender.rows(
            f"SELECT * FROM recipient WHERE message_id = '{self.message_id}' AND n = {n}"
        )[0]


def accept(desk: Desk, sender: Sender, *rcpt_to: str, **changes: Any) -> Sent:
    """A message accepted and not sent yet."""
    message = sender.message(*rcpt_to, **changes)
    desk.accept(message)
    return Sent(sender, message.message_id, message.rcpt_to)


def deliver(desk: Desk, sender: Sender, *rcpt_to: str, **changes: Any) -> Sent:
    """A message that all its recipients' servers took."""
    sent = accept(desk, sender, *rcpt_to, **changes)
    worker = desk.worker()
    worker.finish(*(result(claimed, RecipientState.DELIVERED) for claimed in worker.claim()))
    assert sent.state() == ("delivered", None)
    return sent


def read_all() -> None:
    """Read whatever waits, by the job itself. Needs an application context."""
    read()


def inbound_rows(books: Books, sender: Sender) -> list[dict[str, Any]]:
    return books.execute(
        "SELECT * FROM relay.inbound WHERE reseller_id = %s ORDER BY id", (sender.reseller.id,)
    ).fetchall()


def suppressions(sender: Sender) -> dict[str, str]:
    """Reasons by address."""
    found = sender.rows("SELECT address, reason FROM suppression WHERE account_id = %(account)s")
    return {row["address"]: row["reason"] for row in found}


def wishes(sender: Sender) -> tuple[int, int]:
    """How many complaints and unsubscribes are counted."""
    query = """SELECT coalesce(sum(complained), 0)::int AS complained, coalesce(sum(unsubscribed), 0)::int AS unsubscribed
               FROM stats_hour WHERE account_id = %(account)s"""
    row = sender.rows(query)[0]
    return row["complained"], row["unsubscribed"]
