"""Lanes: the connections to one destination and the transactions that wait for them."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from platform_core.settings import Settings
from relay_worker.delivery.connector import Connector, NoServer
from relay_worker.delivery.conversation import Conversation
from relay_worker.delivery.destination import Destination
from relay_worker.delivery.pool import Slots
from relay_worker.delivery.tls.policy import OPPORTUNISTIC, TlsDemand
from relay_worker.delivery.transaction import INTERNAL_FAULT, Answer, Stage, Transaction

log = structlog.get_logger()

BACKLOG_PER_CONNECTION = 4  # waiting transactions that justify one more connection
PATIENCE_SECONDS = 0.5  # waiting that justifies one more connection, whatever the backlog
MIN_PRUNED = 256
DOWN_SECONDS = 30.0  # for so long a destination that took no connection is not tried again

Settle = Callable[[Transaction, Sequence[Answer]], None]


@dataclass(frozen=True, slots=True)
class LaneLimits:
    """How much one destination gets. `idle_seconds`: how long an unused connection is kept."""

    connections: int
    messages_per_connection: int
    idle_seconds: float

    @classmethod
    def from_settings(cls, settings: Settings) -> "LaneLimits":
        return cls(
            settings.delivery_connections_per_destination,
            settings.delivery_messages_per_connection,
            settings.delivery_idle_seconds,
        )


class Lane:
    """One destination under one demand of TLS: a queue of transactions, and a task for each connection that works it off.

    Nothing here waits for another lane, except for a permit to connect.
    """

    def __init__(
        self,
        destination: Destination,
        demand: TlsDemand,
        connector: Connector,
        slots: Slots,
        limits: LaneLimits,
        settle: Settle,
    ) -> None:
        self.destination = destination
        self.demand = demand
        self._connector = connector
        self._slots = slots
        self._limits = limits
        self._settle = settle
        self._queue: deque[Transaction] = deque()
        self._workers: set[asyncio.Task[None]] = set()
        self._open: set[Conversation] = set()
        self._idle: list[asyncio.Future[bool]] = []
        self._impatience: asyncio.TimerHandle | None = None
        self._no_growth_until = 0.0
        self._down_until = 0.0
        self._down_answer: Answer | None = None

    def put(self, transaction: Transaction) -> None:
        """Queue one transaction; `settle` is called when all its recipients have their answers."""
        if self._down_answer is not None and time.monotonic() < self._down_until:
            self._settle(transaction, [self._down_answer] * len(transaction.recipients))
            return
        self._queue.append(transaction)
        if self._idle:
            self._call_one()
        elif not self._workers or len(self._queue) > BACKLOG_PER_CONNECTION * len(self._workers):
            self._grow()
        if self._impatience is None:
            self._impatience = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._lose_patience)

    def stop(self) -> set[asyncio.Task[None]]:
        """Break every connection, so that what is under way is answered as lost. The tasks that end by that.

        What waits gets no answer: it is found again when its lease ends.
        """
        if self._impatience is not None:
            self._impatience.cancel()
        self._queue.clear()
        for conversation in self._open:
            conversation.abort()
        for call in self._idle:
            _answer_call(call, False)
        return self._workers

    @property
    def deserted(self) -> bool:
        """True when nobody works here and nothing waits."""
        return not self._workers and not self._queue and time.monotonic() >= self._down_until

    # --- how many connections ---

    def _grow(self) -> None:
        """One more connection, within the limits."""
        if self._workers and not self._may_grow():
            return
        worker = asyncio.get_running_loop().create_task(self._work())
        self._workers.add(worker)
        worker.add_done_callback(self._part)

    def _may_grow(self) -> bool:
        return (
            len(self._workers) < self._limits.connections
            and self._slots.has_room()
            and time.monotonic() >= self._no_growth_until
        )

    def _lose_patience(self) -> None:
        """Something has waited for half a second: the connections there are may be stuck."""
        self._impatience = None
        if self._queue:
            self._grow()
            self._impatience = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._lose_patience)

    def _part(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        if not worker.cancelled():
            worker.result()  # a fault of ours in _work goes to the loop's handler, and shows
            if self._queue and not self._workers:
                self._grow()

    # --- the work of one connection ---

    async def _work(self) -> None:
        await self._slots.acquire()
        try:
            while self._queue and await self._serve_one_connection():
                pass
        finally:
            self._slots.release()

    async def _serve_one_connection(self) -> bool:
        """Open a connection and use it up; False when this worker is not needed any more."""
        started = time.monotonic()
        try:
            conversation = await self._connector.connect(self.destination, self.demand)
        except NoServer as failure:
            self._give_up(failure.answer)
            return False
        except Exception:
            log.exception("delivery.connect_failed", destination=self.destination.key)
            self._give_up(INTERNAL_FAULT)
            return False
        self._down_answer = None
        self._open.add(conversation)
        try:
            return await self._use(conversation, started)
        finally:
            self._open.discard(conversation)
            conversation.quit()

    async def _use(self, conversation: Conversation, started: float) -> bool:
        """Send on this connection; True when it is used up while more waits, False when nothing came any more."""
        while True:
            while self._queue and conversation.usable:
                if conversation.transactions >= self._limits.messages_per_connection:
                    return True
                await self._send(conversation, self._queue.popleft(), started)
                started = 0.0
            if not conversation.usable:
                return True
            if not await self._called():
                return False

    async def _send(self, conversation: Conversation, transaction: Transaction, started: float) -> None:
        try:
            answers = await conversation.send(transaction, started or time.monotonic())
        except Exception:
            log.exception("delivery.conversation_failed", destination=self.destination.key)
            conversation.abort()
            answers = [INTERNAL_FAULT] * len(transaction.recipients)
        if conversation.turned_away(answers):
            self._queue.appendleft(transaction)
        else:
            self._settle_or_repeat(transaction, answers)

    def _settle_or_repeat(self, transaction: Transaction, answers: list[Answer]) -> None:
        """RFC 5321 4.5.3.1.10: recipients that were too many for one transaction go into the next one at once."""
        over = [_too_many(answer) for answer in answers]
        if not any(over) or all(over) or answers[0].stage is Stage.MAIL:
            self._settle(transaction, answers)
            return
        pairs = list(zip(transaction.recipients, answers, over, strict=True))
        rest = tuple(recipient for recipient, _, again in pairs if again)
        done = tuple(recipient for recipient, _, again in pairs if not again)
        self._queue.append(replace(transaction, recipients=rest))
        self._settle(
            replace(transaction, recipients=done), [answer for _, answer, again in pairs if not again]
        )

    def _give_up(self, answer: Answer) -> None:
        """No server took the connection. While others work the queue stays theirs: the server wants no more of them."""
        if self._open or not self._queue:
            self._no_growth_until = time.monotonic() + DOWN_SECONDS
            return
        if answer.reply.permanent:
            # A verdict on us: the next transaction asks again for itself.
            self._answer_all([self._queue.popleft()], answer)
            return
        self._down_until = time.monotonic() + DOWN_SECONDS
        self._down_answer = answer
        waiting, self._queue = list(self._queue), deque()
        self._answer_all(waiting, answer)

    def _answer_all(self, transactions: list[Transaction], answer: Answer) -> None:
        for transaction in transactions:
            self._settle(transaction, [answer] * len(transaction.recipients))

    # --- resting ---

    async def _called(self) -> bool:
        """Rest until there is something to send; False when the connection is to be closed."""
        loop = asyncio.get_running_loop()
        call: asyncio.Future[bool] = loop.create_future()
        self._idle.append(call)
        timer = loop.call_later(self._limits.idle_seconds, _answer_call, call, False)
        self._slots.rest(call, lambda: _answer_call(call, False))
        try:
            return await call
        finally:
            timer.cancel()
            self._slots.wake(call)
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


class Lanes:
    """All lanes of a worker, made when first needed and dropped when deserted."""

    def __init__(self, connector: Connector, slots: Slots, limits: LaneLimits, settle: Settle) -> None:
        self._connector = connector
        self._slots = slots
        self._limits = limits
        self._settle = settle
        self._lanes: dict[tuple[str, TlsDemand], Lane] = {}
        self._prune_beyond = MIN_PRUNED

    def put(
        self, destination: Destination, transaction: Transaction, demand: TlsDemand = OPPORTUNISTIC
    ) -> None:
        """Queue one transaction on the lane of its destination and demand.

        Mail that may go in clear has a lane of its own, so that a server's broken TLS never stops it.
        """
        lane = self._lanes.get((destination.key, demand))
        if lane is None:
            self._prune()
            lane = Lane(destination, demand, self._connector, self._slots, self._limits, self._settle)
            self._lanes[destination.key, demand] = lane
        lane.destination = destination  # its addresses may have changed since
        # Equal to the one before, but of the domain whose report the next session belongs to.
        lane.demand = demand
        lane.put(transaction)

    async def close(self) -> None:
        """Break every connection and end all work within a second."""
        workers = {worker for lane in self._lanes.values() for worker in lane.stop()}
        if workers:
            _, stuck = await asyncio.wait(workers, timeout=1)
            for worker in stuck:  # those that were about to connect
                worker.cancel()
            await asyncio.gather(*stuck, return_exceptions=True)

    def _prune(self) -> None:
        """Now and then, so that looking at every lane costs nothing by the message."""
        if len(self._lanes) < self._prune_beyond:
            return
        self._lanes = {key: lane for key, lane in self._lanes.items() if not lane.deserted}
        self._prune_beyond = max(MIN_PRUNED, 2 * len(self._lanes))
