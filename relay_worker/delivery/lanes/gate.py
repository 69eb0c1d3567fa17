"""The gate of a site for one of our addresses: every lane there passes through it, and it knows when none may."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from platform_core.clock import Clock
from relay_worker.bounces.throttle import Throttle, throttles
from relay_worker.delivery.lanes.backoff import BackOff
from relay_worker.delivery.lanes.limits import Bounds, LaneLimits
from relay_worker.delivery.lanes.permits import Permits, Refusal, Seat, Step
from relay_worker.delivery.lanes.sites import Site
from relay_worker.delivery.pool import Slots
from relay_worker.delivery.transaction import Answer
from relay_worker.queue.traffic_desk import LaneState
from relay_worker.traffic.rules import Reaction, RuleBook

PATIENCE_SECONDS = 10.0  # a lane without a connection waits so long for a permit; then its mail is put back
LEAST_WAIT_SECONDS = 0.05  # between two questions for a permit
ALLOWANCE = timedelta(minutes=1)  # so long permits for messages last

log = structlog.get_logger()


class Gate:
    """Limits, permits and back-off of one site from one address. `turns` shares its connections out among its lanes."""

    def __init__(
        self,
        site: Site,
        source: str,
        limits: LaneLimits,
        permits: Permits,
        clock: Clock,
        shut: "Callable[[Gate, datetime], None]",
    ) -> None:
        """`shut` is called whenever the gate closes, with the time until when."""
        self.site = site
        self.source = source
        self._limits = limits
        self._permits = permits
        self._clock = clock
        self._shut = shut
        self._backoff = BackOff(LaneState(site.lane, source, site.name, site.rule.name, clock.now()))
        self._closed_until: datetime | None = (
            None  # by the hour's limit, or because others have all connections
        )
        self._told_until: datetime | None = None
        self._allowance = 0
        self._allowance_ends = clock.now()
        self._seats: set[Seat] = set()
        self._within: int | None = None  # so many of them may stay, where the lane shrinks for all workers
        self._step = Step()
        self.turns = Slots(0)
        self._fit()

    # --- what holds now ---

    @property
    def state(self) -> LaneState:
        return self._backoff.state

    @property
    def eased(self) -> bool:
        """True when nothing is held back."""
        return self._backoff.eased and self.closed is None

    @property
    def closed(self) -> datetime | None:
        """Until when it is closed; None when it is open."""
        return self.closed_until(self._clock.now())

    @property
    def idle_seconds(self) -> float:
        return self._limits.idle_seconds

    @property
    def has_room(self) -> bool:
        """True when one connection more is within the limits."""
        return self.turns.room > 0

    def closed_until(self, now: datetime) -> datetime | None:
        """None when it is open."""
        ends = [end for end in (self.state.closed_until, self._closed_until) if end is not None and end > now]
        return max(ends, default=None)

    def follow(self, site: Site) -> None:
        """The same site, under a rule that may have changed."""
        if site is not self.site:
            self.site = site
            self._fit()

    def adopt(self, state: LaneState, *, known: bool) -> None:
        """What another worker has found out, or this one before a restart; `known`: they know what we have."""
        self._backoff.adopt(state, known=known)
        self._gave_way()

    # --- connections ---

    async def seat(self, *, patient: bool) -> Seat | None:
        """A permit for one connection more; None when there is none for now. The patient wait some seconds for it.

        When a patient one gets none, the gate is closed for as long as the permits say, or some seconds.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE_SECONDS
        while isinstance(answer := await self._permits.seat(self._name, self.bounds), Refusal):
            if not patient:
                return None
            if loop.time() + answer.seconds > end:
                self._close_for(max(answer.seconds, PATIENCE_SECONDS))
                return None
            await asyncio.sleep(max(answer.seconds, LEAST_WAIT_SECONDS))
        self._seats.add(answer)
        return answer

    def give_back(self, seat: Seat) -> None:
        self._seats.discard(seat)
        self._permits.give_back(seat)

    async def thin_out(self) -> None:
        """Close those connections that all workers together have too many of. To be called every second."""
        connections = self.state.connections
        within = None
        if connections is not None and self._seats:
            stay = await self._permits.within(self._name, tuple(self._seats), connections)
            within = stay if stay < len(self._seats) else None
        if within != self._within:
            self._within = within
            self._fit()

    # --- messages ---

    @property
    def counts_messages(self) -> bool:
        """True when `admit` must be asked before each message."""
        return self.bounds.messages_per_hour is not None

    async def admit(self) -> bool:
        """Whether one message more may go; when it may not, the gate is closed until the hour's limit allows it."""
        now = self._clock.now()
        if not self._allowance or now >= self._allowance_ends:
            answer = await self._permits.messages(self._name, self.bounds)
            if isinstance(answer, Refusal):
                self._close_for(answer.seconds)
                return False
            self._allowance, self._allowance_ends = answer, now + ALLOWANCE
        self._allowance -= 1
        return True

    def admits_ahead(self, sent: int) -> bool:
        """Whether one message more may be begun at once on a connection that has carried `sent`, before the last of them is
        answered. Not where the server has complained: there each answer counts before the next message goes.
        """
        if sent >= self.bounds.messages_per_connection or self.turns.overbooked or not self._backoff.eased:
            return False
        if self.counts_messages:
            if not self._allowance or self._clock.now() >= self._allowance_ends:
                return False
            self._allowance -= 1
        return True

    # --- what servers say ---

    async def heard(self, answers: Sequence[Answer], book: RuleBook) -> None:
        """The answers to one transaction. A complaint asks what the other workers have; one recipient's refusal hides none."""
        refusals = dict.fromkeys(answer for answer in answers if not answer.reply.positive)
        for answer in refusals:
            if await self._weigh(answer, book):
                break
        if refusals:
            return
        self._backoff.went_through()
        if not self._backoff.eased:
            self._backoff.recover(self._clock.now(), self.site.rule.connections)
            self._fit()

    async def refused(self, answer: Answer, book: RuleBook) -> bool:
        """No server took one connection more, for which a permit is held; True when that was a throttle."""
        now, reason = self._clock.now(), answer.reply.line()
        throttle, reaction = self._read(answer, book)
        if reaction is not None:
            self._backoff.reacted(reaction, now, reason)
        elif throttle is None:
            return False
        elif (working := await self._permits.open_now(self._name) - 1) > 0:
            self._backoff.turned_away(now, reason, working)
        else:
            self._backoff.shut_out(throttle, now, reason)
        self._gave_way()
        return True

    async def _weigh(self, answer: Answer, book: RuleBook) -> bool:
        """True when the refusal was a complaint about us."""
        now, reason = self._clock.now(), answer.reply.line()
        throttle, reaction = self._read(answer, book)
        if reaction is not None:
            self._backoff.reacted(reaction, now, reason)
        elif throttle is not None and not answer.reply.permanent:
            # A refusal for good inside a conversation is more often about one sender's message than about us.
            if not self._backoff.throttled(now, began=now - timedelta(milliseconds=answer.duration_ms)):
                return True
            self._backoff.give_way(throttle, now, reason, left=await self._halved(throttle))
        else:
            return False
        self._gave_way()
        await self.thin_out()
        return True

    async def _halved(self, throttle: Throttle) -> int:
        """What is left to all workers together; 0 for one connection, and where the server has named a time."""
        if throttle.wait is not None:
            return 0
        self._step = await self._permits.step_back(self._name, self._step)
        return self._step.connections

    def _read(self, answer: Answer, book: RuleBook) -> tuple[Throttle | None, Reaction | None]:
        reply = answer.reply
        throttle = throttles(reply.code, reply.enhanced, reply.text, stage=answer.stage)
        return throttle, book.reaction(self.site.rule, reply.line(), throttled=throttle is not None)

    # --- closing ---

    def _gave_way(self) -> None:
        self._fit()
        self._tell_if_closed()

    def _close_for(self, seconds: float) -> None:
        self._closed_until = self._clock.now() + timedelta(seconds=seconds)
        self._tell_if_closed()

    def _tell_if_closed(self) -> None:
        until = self.closed_until(self._clock.now())
        if until is None:
            return
        if until == self.state.closed_until and until != self._told_until:
            self._told_until = until
            log.info("lane.closed", site=self.site.name, source=self.source, until=until.isoformat())
        self._shut(self, until)

    def _fit(self) -> None:
        """While the rate is bound, each message has a connection of its own: so the permits for connections, which all
        workers share, bind it for all of them.
        """
        rule, state = self.site.rule, self.state
        paced = state.per_minute is not None
        self.bounds = Bounds(
            connections=min(rule.connections, state.connections or rule.connections),
            connections_per_minute=state.per_minute if paced else rule.connections_per_minute,
            messages_per_connection=1 if paced else rule.messages_per_connection,
            messages_per_hour=rule.messages_per_hour,
        )
        most = min(self.bounds.connections, self._limits.connections)
        if state.connections is not None and self._within is not None:
            most = min(most, self._within)
        self.turns.resize(most)

    @property
    def _name(self) -> str:
        """How the permits call it."""
        return f"{self.site.lane}/{self.source}"
