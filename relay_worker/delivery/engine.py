"""The delivery engine of a worker process: claims due mail, sends it, records what the remotes said."""

import asyncio
import math
import random
import time
from collections import Counter, deque
from collections.abc import Coroutine, Sequence
from datetime import datetime
from itertools import groupby

import structlog

from platform_core.clock import Clock, SystemClock
from platform_core.errors import Unavailable
from platform_core.mail.replies import Reply
from platform_core.mail.states import RecipientState
from platform_core.security import Seal
from platform_core.settings import Settings
from relay_worker.addresses.chooser import Landing
from relay_worker.addresses.landing import landing_of
from relay_worker.delivery.build import Builder
from relay_worker.delivery.client import Manners
from relay_worker.delivery.connector import Connector
from relay_worker.delivery.dispatcher import Dispatcher, Maps, plan
from relay_worker.delivery.drain_report import DrainReport, EngineFigures
from relay_worker.delivery.flight import Flight, Key
from relay_worker.delivery.intake import Intake
from relay_worker.delivery.keys import KeyRing
from relay_worker.delivery.lanes.keeper import TrafficKeeper
from relay_worker.delivery.lanes.lanes import Bearings, Lanes
from relay_worker.delivery.lanes.limits import LaneLimits
from relay_worker.delivery.lanes.sites import Sites
from relay_worker.delivery.marks import Marks
from relay_worker.delivery.mx import MxLookup
from relay_worker.delivery.outcome import judge
from relay_worker.delivery.pool import Slots
from relay_worker.delivery.poster import Poster
from relay_worker.delivery.postponer import Postponer
from relay_worker.delivery.recorder import Recorder
from relay_worker.delivery.retry import RetrySchedule
from relay_worker.delivery.routes import DestinationFinder, RouteTable
from relay_worker.delivery.senders import Senders
from relay_worker.delivery.suppressed import drop_suppressed
from relay_worker.delivery.surroundings import Surroundings
from relay_worker.delivery.tls.finder import TlsPolicies
from relay_worker.delivery.tls.tally import TlsTally
from relay_worker.delivery.transaction import INTERNAL_FAULT, Answer, Stage, Transaction
from relay_worker.queue.claims import Claimed, Claims, Result

LINGER_SECONDS = 1.0  # without due mail; then the run ends
FIRST_PAUSE = 0.02  # between claims that find nothing, doubled up to the longest
LONGEST_PAUSE = 0.2
FAULT_PAUSE = 1.0
TURN_SECONDS = 0.005
FINISH_SECONDS = 5.0  # past the deadline, for what is in flight
RECORD_SECONDS = (
    15.0  # at the end, for the database to come back; within the half minute that a supervisor waits
)

REFRESH_SECONDS = 1.0

# Its lane was closed, or none of our addresses might send it, up to its end.
OUT_OF_TIME = Answer(Reply(451, "4.4.7", "it could not be sent until its time was up"), Stage.ROUTE)

log = structlog.get_logger()


class Engine:
    """Lives as long as its worker process and its event loop; connections, keys and DNS answers outlive a run."""

    def __init__(
        self,
        settings: Settings,
        claims: Claims,
        around: Surroundings | None = None,
        *,
        clock: Clock | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._settings = settings
        self._claims = claims
        self._clock = clock or SystemClock()
        rng = rng or random.Random()  # noqa: S311 - spreads load, keeps no secret
        secret = settings.secret_key.get_secret_value()
        self._schedule = RetrySchedule(rng)
        self._builder = Builder(KeyRing(Seal(secret)), Marks.from_secret(secret), self._clock)
        self._senders = Senders(claims)
        self._flight = Flight(settings.delivery_in_flight, settings.delivery_in_flight_bytes)
        self._recorder = Recorder(claims, self._recorded)
        self._poster = Poster(claims)
        self._postponer = Postponer[datetime](claims.postpone, self._let_go)
        self._handover = Postponer[int](claims.hand_over, self._let_go)
        around = around or Surroundings()
        self._intake = Intake(claims, around.sources)
        book = around.tls_book
        self._sources = around.sources
        self._permits = around.permits
        self._tally = TlsTally(book, self._clock)
        connector = _connector(settings, rng, self._tally)
        limits = LaneLimits.from_settings(settings)
        sites = Sites(limits)
        slots = self._slots = Slots(settings.delivery_connections)
        bearings = Bearings(
            connector, slots, limits, around.permits, self._clock, rng, self._recorder.has_room
        )
        self._lanes = Lanes(bearings, sites, self._settle, self._postpone)
        self._keeper = (
            TrafficKeeper(around.traffic, self._lanes, sites, self._clock)
            if around.traffic is not None
            else None
        )
        finder = DestinationFinder(RouteTable.from_settings(settings), MxLookup.from_settings(settings))
        policies = TlsPolicies.from_settings(settings, book, self._tally, self._clock)
        maps = Maps(finder, policies, sites)
        self._dispatcher = Dispatcher(maps, self._lanes, around.sources, self._settle, self._postpone)
        self._landed = asyncio.Event()
        self._refreshing = asyncio.Lock()
        self._counts: Counter[RecipientState] = Counter()
        self._claimed = self._handed_over = 0
        self._ending = False
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self, deadline: float) -> DrainReport:
        """Work until nothing has been due for a second, or until `deadline` (of `time.monotonic()`).

        What is in flight at the deadline gets 5 seconds more. What is left after that keeps its leases, and its results
        are recorded when they come, before or in the next run.
        """
        self._claimed = self._handed_over = 0
        self._counts = Counter()
        await self._refresh()
        if not self._under_way:
            self._under_way = {asyncio.create_task(work) for work in self._beside()}
        try:
            more_due = await self._claim_while_due(deadline)
            await self._wait_for_landing(min(deadline, time.monotonic()) + FINISH_SECONDS)
        finally:
            if not len(self._flight):
                await self._stand_down()
        return self._report(more_due)

    async def _stand_down(self) -> None:
        """End what goes on beside the claims; nothing is in flight, or nothing may be any more."""
        beside, self._under_way = self._under_way, set()
        await _end(beside)
        await self._refresh()
        await self._poster.post()

    def end_soon(self) -> None:
        """Claim nothing more: the run ends when what is in flight has landed. May be called by a signal handler."""
        self._ending = True

    def figures(self) -> EngineFigures:
        """What is held now; may be called from another thread."""
        lanes = self._lanes.figures()
        return EngineFigures(
            in_flight=len(self._flight),
            connections=self._slots.taken,
            lanes=lanes.lanes,
            waiting=lanes.waiting,
            backed_off=lanes.closed,
        )

    async def close(self, grace: float) -> None:
        """End: what is under way gets `grace` seconds, then its connections are broken and the results recorded. A database
        that is away is waited for: what is not recorded is sent again.
        """
        await self._wait_for_landing(time.monotonic() + grace)
        self._dispatcher.cancel()
        await self._lanes.close()
        await self._tally.close()
        try:
            async with asyncio.timeout(RECORD_SECONDS):
                await self._recorder.settle()
            async with asyncio.timeout(max(grace, 1.0)):
                await self._postponer.settle()
                await self._handover.settle()
                await self._stand_down()
                await self._sources.close()
                await self._permits.close()
        except TimeoutError:
            log.error("delivery.results_lost", results=self._recorder.pending)

    # --- claiming ---

    async def _claim_while_due(self, deadline: float) -> bool:
        """True when the deadline, or the end, came while there was mail."""
        pause, last_due = FIRST_PAUSE, -math.inf
        started = time.monotonic()
        while (now := time.monotonic()) < deadline and not self._ending:
            wanted = self._room()
            claimed = await self._claim(wanted) if wanted else []
            if claimed:
                await self._take_off(claimed)
            if claimed or len(self._flight):
                last_due = time.monotonic()
            elif now - max(last_due, started) >= LINGER_SECONDS:
                return False
            pause = FIRST_PAUSE if claimed else min(2 * pause, LONGEST_PAUSE)
            if len(claimed) < wanted or not wanted:
                await self._wait_for_room(pause)
        return time.monotonic() - last_due < LINGER_SECONDS

    def _room(self) -> int:
        """How many to claim now: nothing rather than a few, since a claim costs the database the same."""
        room = min(self._flight.room(), self._settings.delivery_claim)
        least = min(self._settings.delivery_claim, self._settings.delivery_in_flight // 4)
        return room if room >= least or not len(self._flight) else 0

    async def _claim(self, limit: int) -> list[Claimed]:
        try:
            closed = {*self._flight.crowded_lanes(), *self._lanes.closed_lanes()}
            claimed = await self._intake.claim(limit, list(closed))
        except Unavailable as error:
            log.warning("delivery.claim_failed", error=str(error))
            await asyncio.sleep(FAULT_PAUSE)
            return []
        self._claimed += len(claimed)
        return [recipient for recipient in claimed if self._flight.take(recipient)]

    async def _wait_for_room(self, pause: float) -> None:
        """Sleep for `pause` seconds, or until results have been recorded."""
        self._landed.clear()
        try:
            async with asyncio.timeout(pause):
                await self._landed.wait()
        except TimeoutError:
            pass

    # --- sending ---

    async def _take_off(self, claimed: Sequence[Claimed]) -> None:
        """Build and dispatch each message. Every few milliseconds the loop gets its turn, so that no reply waits long;
        after every message would cost a fifth more CPU, since each turn would find but one reply.
        """
        turn_ends = time.monotonic() + TURN_SECONDS
        ordered = sorted(self._sendable(claimed), key=lambda recipient: (recipient.message_id, recipient.n))
        messages = deque(
            tuple(group) for _, group in groupby(ordered, key=lambda recipient: recipient.message_id)
        )
        try:
            while messages:
                await self._send_message(messages[0])
                messages.popleft()
                if time.monotonic() > turn_ends:
                    await asyncio.sleep(0)
                    turn_ends = time.monotonic() + TURN_SECONDS
        finally:
            # Broken off (the job's time is over): held on to, it would never be sent, and its leases never end.
            for recipients in messages:
                self._let_go(recipients)

    def _sendable(self, claimed: Sequence[Claimed]) -> list[Claimed]:
        """Those that may be sent to, and from here. Who was suppressed after the message was accepted is dropped, and
        what only another machine may send is handed over.
        """
        now, sendable = self._clock.now(), []
        for recipient in claimed:
            if recipient.suppressed:
                self._recorder.add(drop_suppressed(recipient, now))
            elif (address := self._sources.elsewhere(recipient)) is not None:
                self._handover.add(recipient, address)
                self._handed_over += 1
            else:
                sendable.append(recipient)
        return sendable

    async def _send_message(self, recipients: tuple[Claimed, ...]) -> None:
        try:
            sender = await self._senders.sender(recipients[0])
            raw = await self._raw(recipients)
            for built, share in self._builder.build_all(recipients, sender, raw):
                for transaction in plan(built, share):
                    self._dispatcher.dispatch(transaction)
        except Unavailable as error:
            # Nothing was tried, so nothing is recorded: the leases run out, and another claim finds them; up to the end.
            log.warning(
                "delivery.message_unreadable", message_id=str(recipients[0].message_id), error=str(error)
            )
            self._put_back(recipients)
        except Exception:
            log.exception("delivery.build_failed", message_id=str(recipients[0].message_id))
            self._record(recipients, [INTERNAL_FAULT] * len(recipients))

    async def _raw(self, recipients: Sequence[Claimed]) -> bytes:
        """The message, out of the claim when it came with it."""
        for recipient in recipients:
            if recipient.raw is not None:
                return recipient.raw
        return await self._claims.body(recipients[0].reseller_id, recipients[0].message_id)

    # --- landing ---

    def _settle(self, transaction: Transaction, answers: Sequence[Answer]) -> None:
        results = self._record(transaction.recipients, answers)
        if transaction.source is not None:
            for result in results:
                landing = landing_of(result.state, result.outcome_class, result.reply_code)
                self._sources.landed(transaction.source, transaction.provider, landing, 1)

    def _record(self, recipients: Sequence[Claimed], answers: Sequence[Answer]) -> list[Result]:
        now = self._clock.now()
        results = [
            judge(recipient, answer, now, self._schedule)
            for recipient, answer in zip(recipients, answers, strict=True)
        ]
        for result in results:
            self._recorder.add(result)
        return results

    def _postpone(self, transaction: Transaction, until: datetime) -> None:
        """Put back what can't be sent before `until`; up to its end, and not beyond it."""
        if transaction.source is not None:
            count = len(transaction.recipients)
            self._sources.landed(transaction.source, transaction.provider, Landing.UNSENT, count)
        now = self._clock.now()
        for recipient in transaction.recipients:
            if now < recipient.expires_at:
                self._postponer.add(recipient, min(until, recipient.expires_at))
            else:
                self._record([recipient], [OUT_OF_TIME])

    def _let_go(self, recipients: Sequence[Claimed]) -> None:
        for recipient in recipients:
            self._flight.release(recipient.message_id, recipient.n)
        self._landed.set()

    def _recorded(self, results: Sequence[Result]) -> None:
        self._poster.logged(results)
        for result in results:
            self._flight.release(result.message_id, result.n)
            self._counts[result.state] += 1
        self._landed.set()

    def _put_back(self, recipients: Sequence[Claimed]) -> None:
        now = self._clock.now()
        for recipient in recipients:
            if now < recipient.expires_at:
                self._flight.release(recipient.message_id, recipient.n)
            else:
                self._record([recipient], [INTERNAL_FAULT])

    async def _wait_for_landing(self, until: float) -> None:
        while len(self._flight) and (left := until - time.monotonic()) > 0:
            await self._wait_for_room(min(left, LONGEST_PAUSE))

    # --- beside the work ---

    def _beside(self) -> list[Coroutine[None, None, None]]:
        return [self._keep_leases(), self._poster.work(), self._keep_up()]

    async def _keep_up(self) -> None:
        """Learn what others know, and tell them what we know."""
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            await self._refresh()

    async def _refresh(self) -> None:
        """One at a time: a run may begin while what the last has left in flight is looked after."""
        async with self._refreshing:
            if self._keeper is not None:
                await self._keeper.refresh()
            await self._permits.refresh()
            await self._lanes.thin_out()
            await self._sources.refresh()

    # --- leases ---

    async def _keep_leases(self) -> None:
        """Renew what is still in flight, three times as often as needed."""
        term = self._settings.delivery_lease_seconds / 3
        while True:
            keys = self._flight.leased_before(term / 2)
            if keys:
                await self._renew(keys)
            await asyncio.sleep(term)

    async def _renew(self, keys: Sequence[Key]) -> None:
        try:
            await self._claims.renew(keys)
        except Unavailable as error:
            log.warning("delivery.renew_failed", recipients=len(keys), error=str(error))
        else:
            self._flight.renewed(keys)

    def _report(self, more_due: bool) -> DrainReport:
        return DrainReport(
            claimed=self._claimed,
            delivered=self._counts[RecipientState.DELIVERED],
            deferred=self._counts[RecipientState.DEFERRED],
            bounced=self._counts[RecipientState.BOUNCED],
            expired=self._counts[RecipientState.EXPIRED],
            in_flight=len(self._flight),
            more_due=more_due,
            handed_over=self._handed_over,
        )


async def _end(tasks: set[asyncio.Task[None]]) -> None:
    """Cancel tasks that never return by themselves. Raises the fault that has ended one."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if not task.cancelled():
            task.result()


def _connector(settings: Settings, rng: random.Random, tally: TlsTally) -> Connector:
    return Connector(
        Manners.from_settings(settings),
        verify_tls=settings.delivery_verify_tls,
        rng=rng,
        authorities=settings.delivery_ca_file,
        tally=tally,
    )
