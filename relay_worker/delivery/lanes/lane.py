"""A lane: the connections to one destination from one address, and the transactions that wait for them."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from relay_worker.delivery.connector import Connector, NoServer
from relay_worker.delivery.conversation import Conversation
from relay_worker.delivery.destination import Destination
from relay_worker.delivery.lanes.gate import Gate
from relay_worker.delivery.lanes.growth import Growth
from relay_worker.delivery.lanes.line import Line
from relay_worker.delivery.pool import Slots
from relay_worker.delivery.tls.policy import TlsDemand
from relay_worker.delivery.transaction import INTERNAL_FAULT, Answer, Stage, Transaction
from relay_worker.traffic.rules import RuleBook

log = structlog.get_logger()

BACKLOG_PER_CONNECTION = 4  # waiting transactions that justify one more connection
PATIENCE_SECONDS = 0.5  # waiting that justifies one more connection, whatever the backlog
DOWN_SECONDS = (
    30.0  # for so long a destination that took no connection is not tried again; twice as long each time
)
LONGEST_DOWN_SECONDS = 480.0

Settle = Callable[[Transaction, Sequence[Answer]], None]
Postpone = Callable[[Transaction, datetime], None]


@dataclass(frozen=True, slots=True)
class Access:
    """How a lane's connections are opened: to where, under which demand of TLS, from which address, by which name."""

    destination: Destination
    demand: TlsDemand
    source: str | None = None
    helo: str | None = None


@dataclass(frozen=True, slots=True)
class Ends:
    """Where transactions go from a lane: answered for good, or put back until a time. `down` hears of a lane that went
    down. Nothing is sent unless `ready` for answers.
    """

    settle: Settle
    postpone: Postpone
    down: "Callable[[Lane], None]"
    ready: asyncio.Event


class Lane:
    """One destination under one demand of TLS from one address: a line of transactions, and a task for each connection
    that works it off.

    Nothing here waits for another lane, except for permits to connect.
    """

    def __init__(
        self,
        access: Access,
        gate: Gate,
        connector: Connector,
        slots: Slots,
        ends: Ends,
        book: Callable[[], RuleBook],
    ) -> None:
        self.access = access
        self.gate = gate
        self._connector = connector
        self._slots = slots
        self._ends = ends
        self._book = book
        self.due_lanes: set[int] = set()  # where the queue has kept what came here
        self._line = Line()
        self._growth = Growth()
        self._workers: set[asyncio.Task[None]] = set()
        self._open: set[Conversation] = set()
        self._idle: list[asyncio.Future[bool]] = []
        self._stopped = False
        self._impatience: asyncio.TimerHandle | None = None
        self._no_growth_until = 0.0
        self._down_until = 0.0
        self._down_seconds = DOWN_SECONDS
        self._down_answer: Answer | None = None

    def put(self, transaction: Transaction) -> None:
        """Queue one transaction; in the end it is settled, when all its recipients have their answers, or postponed."""
        if self._down_answer is not None and self.down:
            self._ends.settle(transaction, [self._down_answer] * len(transaction.recipients))
            return
        self._line.put(transaction)
        if self._idle:
            self._call_one()
        else:
            self._grow_if_pressed()
        if self._impatience is None:
            self._impatience = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._lose_patience)

    def put_back(self, until: datetime) -> None:
        """Postpone all that waits; what is under way goes on."""
        for transaction in self._line.take_all():
            self._ends.postpone(transaction, until)

    def stop(self) -> set[asyncio.Task[None]]:
        """Break every connection, so that what is under way is answered as lost. The tasks that end by that.

        What waits gets no answer: it is found again when its lease ends.
        """
        if self._impatience is not None:
            self._impatience.cancel()
        self._line = Line()
        self._stopped = True
        for conversation in self._open:
            conversation.abort()
        for call in self._idle:
            _answer_call(call, False)
        return self._workers

    @property
    def down(self) -> bool:
        """True while no server of the destination is tried, since none took a connection a moment ago."""
        return time.monotonic() < self._down_until

    @property
    def waiting(self) -> int:
        """Transactions in its line."""
        return len(self._line)

    @property
    def deserted(self) -> bool:
        """True when nobody works here and nothing waits."""
        return not self._workers and not self._line and not self.down

    # --- how many connections ---

    def _grow_if_pressed(self) -> None:
        if not self._workers or len(self._line) > BACKLOG_PER_CONNECTION * len(self._workers):
            self._grow(trial=False)

    def _grow(self, *, trial: bool) -> None:
        """One more connection, within the limits. `trial`: also where those there are have earned none."""
        if self._workers and not self._may_grow(trial=trial):
            return
        worker = asyncio.get_running_loop().create_task(self._work())
        self._workers.add(worker)
        worker.add_done_callback(self._part)
        self._growth.grown()

    def _may_grow(self, *, trial: bool) -> bool:
        if not self.gate.has_room or time.monotonic() < self._no_growth_until:
            return False
        if self._growth.earned(len(self._workers)):
            return self._slots.has_room
        return trial and self._slots.has_plenty and self._growth.due_for_trial(len(self._workers))

    def _lose_patience(self) -> None:
        """Something has waited for half a second: the connections there are may be stuck."""
        self._impatience = None
        if self._line:
            self._grow(trial=True)
            self._impatience = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._lose_patience)

    def _part(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        if not worker.cancelled():
            worker.result()  # a fault of ours in _work goes to the loop's handler, and shows
            if self._line and not self._workers:
                self._grow(trial=False)

    # --- the work of one connection ---

    async def _work(self) -> None:
        """Connection after connection. Permits in this order: a turn among the lanes of the site, a seat among all
        workers, a slot of this one; who waits for one holds nothing that those before him wait for.
        """
        needed = True
        while needed and self._line:
            await self.gate.turns.acquire()
            try:
                needed = await self._sit_down()
            finally:
                self.gate.turns.release()

    async def _sit_down(self) -> bool:
        """Use up one permit for a connection; False when this worker is not needed any more, or gets none."""
        seat = await self.gate.seat(patient=not self._open)
        if seat is None:
            self._no_growth_until = time.monotonic() + PATIENCE_SECONDS
            return False
        try:
            await self._slots.acquire()
            try:
                return await self._serve_one_connection()
            finally:
                self._slots.release()
        finally:
            self.gate.give_back(seat)

    async def _serve_one_connection(self) -> bool:
        """Open a connection and use it up; False when this worker is not needed any more."""
        started = time.monotonic()
        access = self.access
        try:
            conversation = await self._connector.connect(
                access.destination, access.demand, source=access.source, helo=access.helo
            )
        except NoServer as failure:
            await self._give_up(failure.answer)
            return False
        except Exception:
            log.exception("delivery.connect_failed", destination=access.destination.key)
            await self._give_up(INTERNAL_FAULT)
            return False
        self._down_answer, self._down_seconds = None, DOWN_SECONDS
        self._open.add(conversation)
        try:
            return await self._use(conversation, started)
        finally:
            # Until it is closed it counts, for us as for the server.
            await conversation.leave()
            self._open.discard(conversation)

    async def _use(self, conversation: Conversation, started: float) -> bool:
        """Send on this connection; True when it is used up while more waits, False when nothing came any more."""
        while True:
            while conversation.usable and (self._line or conversation.begun):
                if not self._ends.ready.is_set():
                    await self._ends.ready.wait()
                    continue
                if conversation.begun is None and (more := await self._used_up(conversation)) is not None:
                    return more
                await self._send(conversation, conversation.begun or self._line.take(), started)
                started = 0.0
            if conversation.begun is not None:  # the connection has ended under it
                self._repeat(conversation.begun)
            if not conversation.usable:
                return True
            if not await self._called():
                return False

    async def _used_up(self, conversation: Conversation) -> bool | None:
        """None when one message more may go on this connection; otherwise whether another one may be opened."""
        gate = self.gate
        if conversation.transactions >= gate.bounds.messages_per_connection:
            return True
        if gate.turns.overbooked or (gate.counts_messages and not await gate.admit()):
            return False
        return None

    async def _send(self, conversation: Conversation, transaction: Transaction, started: float) -> None:
        def following() -> Transaction | None:
            ready = self._line and self._ends.ready.is_set()
            admitted = ready and self.gate.admits_ahead(conversation.transactions)
            return self._line.take() if admitted else None

        try:
            answers = await conversation.send(transaction, started or time.monotonic(), following)
        except Exception:
            log.exception("delivery.conversation_failed", destination=self.access.destination.key)
            conversation.abort()
            answers = [INTERNAL_FAULT] * len(transaction.recipients)
        if conversation.turned_away(answers):
            self._repeat(transaction)
            return
        self._settle_or_repeat(transaction, answers)
        await self.gate.heard(answers, self._book())
        self._growth.finished()
        self._grow_if_pressed()

    def _repeat(self, transaction: Transaction) -> None:
        """It has had its turn, and no server has heard of it: first in line, or put back where the gate has closed."""
        if self._stopped:
            return
        until = self.gate.closed
        if until is None:
            self._line.put_first(transaction)
        else:
            self._ends.postpone(transaction, until)

    def _settle_or_repeat(self, transaction: Transaction, answers: list[Answer]) -> None:
        """RFC 5321 4.5.3.1.10: recipients that were too many for one transaction go into the next one at once."""
        over = [_too_many(answer) for answer in answers]
        if not any(over) or all(over) or answers[0].stage is Stage.MAIL:
            self._ends.settle(transaction, answers)
            return
        pairs = list(zip(transaction.recipients, answers, over, strict=True))
        rest = tuple(recipient for recipient, _, again in pairs if again)
        done = tuple(recipient for recipient, _, again in pairs if not again)
        self._line.put(replace(transaction, recipients=rest))
        self._ends.settle(
            replace(transaction, recipients=done), [answer for _, answer, again in pairs if not again]
        )

    async def _give_up(self, answer: Answer) -> None:
        """No server took the connection. While others work the line stays theirs: the server wants no more of them.

        After a throttle the first in line hears of it, and the gate has put back the rest; a destination that is not
        there tells all.
        """
        first = self._line.take() if self._line and not self._open else None
        throttled = await self.gate.refused(answer, self._book())
        if first is None:
            self._no_growth_until = time.monotonic() + DOWN_SECONDS
            return
        self._answer(first, answer)
        # A verdict on us (5xx) is for one message: the next transaction asks again for itself.
        if not throttled and not answer.reply.permanent:
            self._go_down(answer)

    def _go_down(self, answer: Answer) -> None:
        self._down_until = time.monotonic() + self._down_seconds
        self._down_seconds = min(2 * self._down_seconds, LONGEST_DOWN_SECONDS)
        self._down_answer = answer
        for transaction in self._line.take_all():
            self._answer(transaction, answer)
        self._ends.down(self)

    def _answer(self, transaction: Transaction, answer: Answer) -> None:
        self._ends.settle(transaction, [answer] * len(transaction.recipients))

    # --- resting ---

    async def _called(self) -> bool:
        """Rest until there is something to send; False when the connection is to be closed."""
        loop = asyncio.get_running_loop()
        call: asyncio.Future[bool] = loop.create_future()
        self._idle.append(call)
        timer = loop.call_later(self.gate.idle_seconds, _answer_call, call, False)
        pools = self._slots, self.gate.turns
        for pool in pools:
            pool.rest(call, lambda: _answer_call(call, False))
        try:
            return await call
        finally:
            timer.cancel()
            for pool in pools:
                pool.wake(call)
            if call in self._idle:
                self._idle.remove(call)

    def _call_one(self) -> None:
        """The connection used last: those used longest ago may then close."""
        _answer_call(self._idle.pop(), True)


def _answer_call(call: asyncio.Future[bool], answer: bool) -> None:
    if not call.done():
        call.set_result(answer)


def _too_many(answer: Answer) -> bool:
    """True for "too many recipients" in one transaction, as opposed to a deferral of the recipient."""
    reply = answer.reply
    return answer.stage is Stage.RCPT and (
        reply.enhanced in {"4.5.3", "5.5.3"} or (reply.code == 452 and reply.enhanced in {"", "4.3.1"})
    )
