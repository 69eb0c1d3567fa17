"""Attempts and what comes back, in whatever order: states, counts and suppressions are those of the tables of transitions."""

from collections import Counter
from collections.abc import Callable, Sequence

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platform_core.clock import SystemClock
from platform_core.mail.states import (
    BounceKind,
    EventKind,
    RecipientState,
    may_follow,
    may_follow_report,
)
from relay_worker.inbound.findings import Finding, OurMessage, as_rows
from relay_worker.inbound.marks import Mark
from tests.relay_worker.inbound.returns import Books, Sent, accept, suppressions, wishes
from tests.relay_worker.queue.desk import Desk, Sender, Worker, result

ADDRESS = "ann@there.example"
HARD, SOFT = BounceKind.HARD, BounceKind.SOFT

# What happens: an attempt's result, or what somebody says later.
ATTEMPTS = (
    (RecipientState.DELIVERED, None),
    (RecipientState.DEFERRED, None),
    (RecipientState.BOUNCED, HARD),
    (RecipientState.BOUNCED, SOFT),
    (RecipientState.EXPIRED, SOFT),
)
REPORTS = (
    (EventKind.BOUNCED, HARD),
    (EventKind.BOUNCED, SOFT),
    (EventKind.DELAYED, None),
    (EventKind.AUTO_REPLIED, None),
    (EventKind.COMPLAINED, None),
    (EventKind.NOT_SPAM, None),
    (EventKind.UNSUBSCRIBED, None),
)
Step = tuple[RecipientState | EventKind, BounceKind | None]
REASONS = {EventKind.COMPLAINED: "complaint", EventKind.UNSUBSCRIBED: "unsubscribe"}


class Model:
    """What must come of the steps."""

    def __init__(self) -> None:
        self.state = RecipientState.QUEUED
        self.kind: BounceKind | None = None
        self.deferred = 0
        self.told: set[EventKind] = set()
        self.reason = ""

    def attempt(self, state: RecipientState, kind: BounceKind | None) -> None:
        if not may_follow(self.state, state):
            return
        self.deferred = self.deferred or int(
            state is RecipientState.DEFERRED and self.state is RecipientState.QUEUED
        )
        self.state, self.kind = state, kind
        if kind is HARD:
            self.suppress("hard_bounce")

    def report(self, event: EventKind, kind: BounceKind | None) -> None:
        self.told.add(event)
        if kind is HARD or event in REASONS:
            self.suppress(REASONS.get(event, "hard_bounce"))
        if event is EventKind.BOUNCED and may_follow_report(self.state, RecipientState.BOUNCED):
            self.state, self.kind = RecipientState.BOUNCED, kind

    def suppress(self, reason: str) -> None:
        self.reason = "complaint" if "complaint" in (reason, self.reason) else self.reason or reason

    @property
    def counts(self) -> dict[str, int]:
        ended = f"bounced_{self.kind}" if self.state is RecipientState.BOUNCED else str(self.state)
        counted = Counter({"accepted": 1, "deferred": self.deferred})
        if self.state not in (RecipientState.QUEUED, RecipientState.DEFERRED):
            counted[ended] += 1
        return {name: count for name, count in counted.items() if count}


def tell(books: Books, sent: Sent, event: EventKind, kind: BounceKind | None) -> None:
    """As the job tells the database."""
    finding = Finding(event, OurMessage(Mark(sent.message_id, 0)), (ADDRESS,), "test", bounce_kind=kind)
    rows = as_rows([finding], at=SystemClock().now(), remote_address="192.0.2.1")
    books.execute(
        """SELECT relay.apply_feedback(%s, (SELECT f FROM jsonb_populate_recordset(NULL::relay.feedback, %s::jsonb) f))""",
        (sent.sender.reseller.id, rows),
    )


def play(desk: Desk, books: Books, sent: Sent, steps: Sequence[Step]) -> Model:
    model, worker = Model(), desk.worker()
    (claimed,) = worker.claim()
    for step, kind in steps:
        if isinstance(step, RecipientState):
            _hold_again(worker, books, sent)
            worker.finish(result(claimed, step, kind=kind))
            model.attempt(step, kind)
        else:
            tell(books, sent, step, kind)
            model.report(step, kind)
    return model


def _hold_again(worker: Worker, books: Books, sent: Sent) -> None:
    """A deferral gives the lease back; the next result is again that of the holder."""
    books.execute(
        "UPDATE relay.due SET ready = false, lease = %s WHERE message_id = %s",
        (worker.claims._lease, sent.message_id),
    )


anything = st.sampled_from((*ATTEMPTS, *REPORTS))
# Most lives go through a delivery, after which there is most to get wrong.
lives = st.builds(
    lambda before, then, after: [*before, then, *after],
    st.lists(anything, max_size=2),
    st.sampled_from((*ATTEMPTS, *[ATTEMPTS[0]] * 5)),
    st.lists(anything, max_size=4),
)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(steps=lives)
def test_whatever_comes_in_whatever_order_the_books_are_those_of_the_tables(
    app: Flask, desk: Desk, books: Books, account: Callable[[], Sender], steps: list[Step]
) -> None:
    books.execute("DELETE FROM relay.due")
    shop = account()
    sent = accept(desk, shop, ADDRESS)
    model = play(desk, books, sent, steps)
    assert sent.state() == (model.state, model.kind)
    assert shop.stats == model.counts
    assert suppressions(shop) == ({ADDRESS: model.reason} if model.reason else {})
    assert wishes(shop) == (
        int(EventKind.COMPLAINED in model.told),
        int(EventKind.UNSUBSCRIBED in model.told),
    )
