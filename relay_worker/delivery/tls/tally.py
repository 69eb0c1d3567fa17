"""Counts TLS sessions for reports (RFC 8460), and writes them down in batches."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import date

import structlog

from platform_core.clock import Clock
from platform_core.errors import Unavailable
from relay_worker.delivery.tls.levels import TlsFailure
from relay_worker.delivery.tls.policy import HostDemand, TlsDemand
from relay_worker.queue.tls_book import PolicyType, TlsBook, TlsCount

SUCCESS = "success"
WRITE_SECONDS = 10.0  # what a killed worker may lose: these are statistics, not books
MAX_ROWS = 2000  # of one batch; beyond, it is written at once
MAX_WAITING = 20_000  # while the database is away; beyond, nothing new is counted

_Row = tuple[date, str, PolicyType, str, str]

log = structlog.get_logger()


class TlsTally:
    """Counts in memory. Needs a running event loop."""

    def __init__(self, book: TlsBook, clock: Clock) -> None:
        self._book = book
        self._clock = clock
        self._counts: Counter[_Row] = Counter()
        self._policies: dict[_Row, tuple[str, ...]] = {}
        self._writer: asyncio.Task[None] | None = None
        self._full = asyncio.Event()

    def add(
        self,
        domain: str,
        kind: PolicyType,
        mx_host: str,
        failure: TlsFailure | None,
        policy: Sequence[str] = (),
    ) -> None:
        """One session more; `failure` None for one that came out as the policy wants it."""
        row = self._clock.now().date(), domain, kind, mx_host, failure or SUCCESS
        if row not in self._counts and len(self._counts) >= MAX_WAITING:
            return
        self._counts[row] += 1
        self._policies[row] = tuple(policy)
        if len(self._counts) >= MAX_ROWS:
            self._full.set()
        if self._writer is None or self._writer.done():
            self._writer = asyncio.get_running_loop().create_task(self._write_soon())

    async def close(self) -> None:
        """Write what there is."""
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait({self._writer})
        await self._write()

    async def _write_soon(self) -> None:
        while self._counts:
            try:
                async with asyncio.timeout(WRITE_SECONDS):
                    await self._full.wait()
            except TimeoutError:
                pass
            self._full.clear()
            if not await self._write():
                await asyncio.sleep(WRITE_SECONDS)

    async def _write(self) -> bool:
        """One batch. When the database does not take it, it stays and goes with the next."""
        counts = [
            TlsCount(*row, sessions, self._policies[row])
            for row, sessions in list(self._counts.items())[:MAX_ROWS]
        ]
        if not counts:
            return True
        try:
            await self._book.count(counts)
        except Unavailable as error:
            log.warning("tls_report.not_counted", rows=len(counts), error=str(error))
            return False
        self._take_away(counts)
        return True

    def _take_away(self, counts: Sequence[TlsCount]) -> None:
        """What was written; sessions counted meanwhile stay."""
        for count in counts:
            row = count.day, count.domain, count.policy_type, count.mx_host, count.result
            self._counts[row] -= count.sessions
            if not self._counts[row]:
                del self._counts[row], self._policies[row]


def policy_applied(demand: TlsDemand, wish: HostDemand) -> tuple[PolicyType, Sequence[str]]:
    """Which policy a session was held against, and its lines."""
    if wish.tlsa is not None:
        return PolicyType.TLSA, [record.text() for record in wish.tlsa.records]
    if demand.sts is not None:
        return PolicyType.STS, demand.sts.text().split("\n")
    return PolicyType.NONE, ()
