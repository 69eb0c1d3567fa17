"""Lanes without an engine: what is put in is answered or put back, and kept for the test to look at."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from platform_core.clock import Clock, SystemClock
from relay_worker.delivery.connector import Connector
from relay_worker.delivery.destination import Destination, MailServer
from relay_worker.delivery.lanes.lane import Access, Postpone, Settle
from relay_worker.delivery.lanes.lanes import Bearings, Lanes
from relay_worker.delivery.lanes.limits import LaneLimits
from relay_worker.delivery.lanes.permits import LocalPermits, Permits
from relay_worker.delivery.lanes.sites import Sites
from relay_worker.delivery.pool import Slots
from relay_worker.delivery.tls.policy import OPPORTUNISTIC, TlsDemand
from relay_worker.delivery.transaction import Answer, Transaction
from tests.relay_worker.scripted_mx import ScriptedMx


@dataclass
class Settled:
    """Collects answers, and what was put back, by address."""

    answers: dict[str, Answer] = field(default_factory=dict)
    postponed: dict[str, datetime] = field(default_factory=dict)

    def __call__(self, transaction: Transaction, answers: Sequence[Answer]) -> None:
        for recipient, answer in zip(transaction.recipients, answers, strict=True):
            assert recipient.rcpt_to not in self.answers | self.postponed
            self.answers[recipient.rcpt_to] = answer

    def put_back(self, transaction: Transaction, until: datetime) -> None:
        for recipient in transaction.recipients:
            assert recipient.rcpt_to not in self.answers | self.postponed
            self.postponed[recipient.rcpt_to] = until

    @property
    def codes(self) -> set[int]:
        return {answer.reply.code for answer in self.answers.values()}

    async def have(self, count: int) -> None:
        """Wait until so many are answered or put back."""
        async with asyncio.timeout(5):
            while len(self.answers) + len(self.postponed) < count:
                await asyncio.sleep(0.005)


LIMITS = LaneLimits(connections=10, messages_per_connection=100, idle_seconds=0.2)


@dataclass
class Harbour:
    """Lanes, and the sites that their destinations belong to."""

    lanes: Lanes
    sites: Sites

    @classmethod
    def build(
        cls,
        connector: Connector,
        settle: Settle,
        postpone: Postpone,
        *,
        limits: LaneLimits = LIMITS,
        slots: int = 10,
        permits: Permits | None = None,
        clock: Clock | None = None,
    ) -> "Harbour":
        sites, may_send = Sites(limits), asyncio.Event()
        may_send.set()
        bearings = Bearings(
            connector,
            Slots(slots),
            limits,
            permits or LocalPermits(),
            clock or SystemClock(),
            random.Random(1),
            may_send,
        )
        return cls(Lanes(bearings, sites, settle, postpone), sites)

    def put(
        self,
        destination: Destination,
        transaction: Transaction,
        demand: TlsDemand = OPPORTUNISTIC,
        *,
        source: str | None = None,
    ) -> None:
        self.lanes.put(self.sites.of(destination), Access(destination, demand, source), transaction)

    async def close(self) -> None:
        await self.lanes.close()


def to(mx: ScriptedMx, name: str = "mx.test") -> Destination:
    return Destination(name, ((MailServer(name, mx.address, mx.port),),))
