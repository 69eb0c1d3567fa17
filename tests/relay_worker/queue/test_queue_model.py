"""Random lives of two accounts and their mail, step by step beside a model that says what must come of them."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from platform_core.database import ResellerRef
from platform_core.ids import MessageId
from platform_core.mail.states import OPEN_STATES, BounceKind, RecipientState, may_follow
from relay_worker.queue.claims import Claimed
from relay_worker.queue.door import Submission, Verdict
from tests.relay_worker.queue.desk import (
    NOON,
    Desk,
    Sender,
    end_leases,
    open_account,
    result,
)

ADDRESSES = tuple(f"{n}@lane{n % 3}.example" for n in range(8))
OUTCOMES = (
    (RecipientState.DELIVERED, None),
    (RecipientState.DEFERRED, None),
    (RecipientState.BOUNCED, BounceKind.HARD),
    (RecipientState.BOUNCED, BounceKind.SOFT),
    (RecipientState.EXPIRED, BounceKind.SOFT),
)
Key = tuple[MessageId, int]


@dataclass
class Recipient:
    """What the model knows of one. `holder`: the worker whose lease counts; `waits`: for its next try; `woken`: it is
    over with either, as soon as anybody claims.
    """

    account: "Account"
    address: str
    state: RecipientState
    lot: int | None
    kind: BounceKind | None = None
    attempts: int = 0
    waits: bool = False
    holder: int | None = None
    woken: bool = False

    @property
    def open(self) -> bool:
        return self.state in OPEN_STATES


@dataclass
class Account:
    """What the model knows of an account. `lots` in the order in which they are spent: id, then what is left."""

    sender: Sender
    cap: int | None
    plan: int
    lots: dict[int, int]
    active: bool = True
    used: int = 0
    from_plan: int = 0
    overage_limit: int = 0
    overage: int = 0
    granted: int = 0
    deferred: int = 0
    suppressed: set[str] = field(default_factory=set)

    def verdict(self, rcpt_to: tuple[str, ...]) -> Verdict:
        wanted = len(self.billable(rcpt_to))
        if not self.active:
            return Verdict.ACCOUNT_SUSPENDED
        if not wanted:
            return Verdict.RECIPIENTS_SUPPRESSED
        if self.cap is not None and self.used + wanted > self.cap:
            return Verdict.CAP_REACHED
        if wanted > self.plan - self.from_plan + sum(self.lots.values()) + self.overage_left:
            return Verdict.CREDITS_EXHAUSTED
        return Verdict.ACCEPTED

    @property
    def overage_left(self) -> int:
        return max(self.overage_limit - self.overage, 0)

    def billable(self, rcpt_to: tuple[str, ...]) -> list[str]:
        return [address for address in rcpt_to if address not in self.suppressed]

    def pay(self) -> int | None:
        """Who pays for the next recipient: a lot, None for the plan, or 0 where it is overage."""
        self.used += 1
        if self.from_plan < self.plan:
            self.from_plan += 1
            return None
        lot = next((lot for lot, left in self.lots.items() if left), 0)
        if lot:
            self.lots[lot] -= 1
        else:
            self.overage += 1
        return lot


class Queue(RuleBasedStateMachine):
    """The queue with two workers; `desk` and `reseller` are given by the test."""

    desk: Desk
    reseller: ResellerRef
    books: psycopg.Connection[dict[str, Any]]
    credits, cap = 15, 25
    settled = True  # the books are as the model has them

    def __init__(self) -> None:
        super().__init__()
        self.books.execute("DELETE FROM relay.due")
        self.accounts = [self._account(cap=None, plan=3), self._account(cap=self.cap, plan=0)]
        self.workers = [self.desk.worker() for _ in range(2)]
        self.recipients: dict[Key, Recipient] = {}
        self.taken: list[tuple[int, Claimed]] = []  # ever, so that results may come late

    def _account(self, *, cap: int | None, plan: int) -> Account:
        account = Account(open_account(self.books, self.reseller, cap=cap, plan=plan), cap, plan, {})
        self._grant(account, self.credits, days=2)
        self._grant(account, 5, days=3)
        return account

    def _grant(self, account: Account, credits: int, *, days: int) -> None:
        lot = account.sender.grant(credits, expires_at=NOON + timedelta(days=days))
        account.lots[lot] = credits
        account.granted += credits

    # --- what happens ---

    @rule(
        which=st.integers(0, 1),
        rcpt_to=st.lists(st.sampled_from(ADDRESSES), min_size=1, max_size=4, unique=True),
    )
    def send(self, which: int, rcpt_to: list[str]) -> None:
        account = self.accounts[which]
        message = account.sender.message(*rcpt_to)
        verdict = account.verdict(message.rcpt_to)
        assert self._ingest(message) == [verdict]
        if verdict not in (Verdict.ACCEPTED, Verdict.RECIPIENTS_SUPPRESSED):
            return
        for n, address in enumerate(rcpt_to):
            dropped = address in account.suppressed
            state = RecipientState.DROPPED if dropped else RecipientState.QUEUED
            lot = None if dropped else account.pay()
            self.recipients[message.message_id, n] = Recipient(account, address, state, lot)

    def _ingest(self, message: Submission) -> list[Verdict]:
        return self.desk.ingest(message)

    @rule(number=st.integers(0, 1), limit=st.integers(1, 6))
    def claim(self, number: int, limit: int) -> None:
        for recipient in self.recipients.values():
            if recipient.woken:
                recipient.holder, recipient.waits, recipient.woken = None, False, False
        claimed = self.workers[number].claim(limit)
        free = [one for one in self.recipients.values() if one.open and not one.waits and one.holder is None]
        assert len(claimed) == min(limit, len(free))
        for one in claimed:
            recipient = self.recipients[one.message_id, one.n]
            assert recipient in free and one.attempts == recipient.attempts
            recipient.holder = number
            self.taken.append((number, one))

    @precondition(lambda self: self.taken)
    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES))
    def finish(self, data: st.DataObject, outcome: tuple[RecipientState, BounceKind | None]) -> None:
        """The result of anything ever claimed: in time, late, or after another's."""
        number, claimed = data.draw(st.sampled_from(self.taken))
        state, kind = outcome
        done = result(claimed, state, kind=kind)
        for _ in range(data.draw(st.integers(1, 2))):
            self.workers[number].finish(done)
        recipient = self.recipients[claimed.message_id, claimed.n]
        late_deferral = state is RecipientState.DEFERRED and recipient.holder != number
        if may_follow(recipient.state, state) and not late_deferral:
            self._move(recipient, state, kind)

    def _move(self, recipient: Recipient, state: RecipientState, kind: BounceKind | None) -> None:
        recipient.attempts += 1
        recipient.state, recipient.kind, recipient.holder = state, kind, None
        recipient.waits, recipient.woken = state is RecipientState.DEFERRED, False
        if recipient.waits and recipient.attempts == 1:
            recipient.account.deferred += 1
        if kind is BounceKind.HARD:
            recipient.account.suppressed.add(recipient.address)

    @rule()
    def time_passes(self) -> None:
        """Every lease runs out, and every deferred recipient's time comes; the next claim will see it."""
        end_leases()
        for recipient in self.recipients.values():
            recipient.woken = recipient.waits or recipient.holder is not None

    @rule(which=st.integers(0, 1))
    def suspend_or_resume(self, which: int) -> None:
        account = self.accounts[which]
        account.active = not account.active
        account.sender.change("account", state="active" if account.active else "suspended")

    @rule(which=st.integers(0, 1), address=st.sampled_from(ADDRESSES))
    def suppress(self, which: int, address: str) -> None:
        account = self.accounts[which]
        if address not in account.suppressed:
            account.sender.suppress(address)
            account.suppressed.add(address)

    @rule(which=st.integers(0, 1), credits=st.integers(1, 5))
    def grant(self, which: int, credits: int) -> None:
        self._grant(self.accounts[which], credits, days=4)

    @rule(which=st.integers(0, 1), limit=st.integers(0, 20))
    def agree_on_overage(self, which: int, limit: int) -> None:
        """Lowered below what there has been, too: then there is no more."""
        account = self.accounts[which]
        account.overage_limit = limit
        account.sender.change("account", overage_quota=limit)

    # --- what always holds ---

    @precondition(lambda self: self.settled)
    @invariant()
    def every_recipient_is_where_the_model_has_it(self) -> None:
        for account in self.accounts:
            rows = account.sender.rows("SELECT * FROM recipient WHERE account_id = %(account)s")
            found = {(row["message_id"], row["n"]): row for row in rows}
            mine = {key: one for key, one in self.recipients.items() if one.account is account}
            assert {key: _as_row(one) for key, one in mine.items()} == {
                key: (row["rcpt_to"], row["state"], row["bounce_kind"], row["attempts"], row["lot_id"])
                for key, row in found.items()
            }

    @precondition(lambda self: self.settled)
    @invariant()
    def what_is_due_is_what_is_open(self) -> None:
        for account in self.accounts:
            due = {(row["message_id"], row["n"]): row for row in account.sender.due}
            mine = {key: one for key, one in self.recipients.items() if one.account is account and one.open}
            assert due.keys() == mine.keys()
            for key, recipient in mine.items():
                assert not due[key]["ready"] or (recipient.holder is None and not recipient.waits)
                assert due[key]["attempts"] == recipient.attempts

    @precondition(lambda self: self.settled)
    @invariant()
    def credits_add_up(self) -> None:
        for account in self.accounts:
            sender = account.sender
            assert sender.lots == account.lots
            assert sender.ledger == sum(account.lots.values())
            counted = (sender.used, sender.from_plan, sender.overage)
            assert counted == (account.used, account.from_plan, account.overage)
            assert account.granted - sender.ledger + account.from_plan + account.overage == account.used

    @precondition(lambda self: self.settled)
    @invariant()
    def statistics_are_the_sums_of_the_states(self) -> None:
        for account in self.accounts:
            mine = [one for one in self.recipients.values() if one.account is account]
            states = [one.state for one in mine]
            kinds = [one.kind for one in mine if one.state is RecipientState.BOUNCED]
            counts = {
                "accepted": len(mine) - states.count(RecipientState.DROPPED),
                "dropped": states.count(RecipientState.DROPPED),
                "delivered": states.count(RecipientState.DELIVERED),
                "deferred": account.deferred,
                "bounced_hard": kinds.count(BounceKind.HARD),
                "bounced_soft": kinds.count(BounceKind.SOFT),
                "expired": states.count(RecipientState.EXPIRED),
            }
            assert account.sender.stats == {name: count for name, count in counts.items() if count}


class AllottedQueue(Queue):
    """The same where busy accounts have recipients allotted: the books lag behind until everything is settled."""

    credits, cap = 50, 60
    settled = False

    def _ingest(self, message: Submission) -> list[Verdict]:
        self.settled = False
        return self.desk.ingest(message, allotment=16)

    @rule(which=st.integers(0, 1), address=st.sampled_from(ADDRESSES), count=st.integers(3, 12))
    def send_many(self, which: int, address: str, count: int) -> None:
        for _ in range(count):
            self.send(which, [address])

    @rule()
    def settle(self) -> None:
        self.accounts[0].sender.end_allotments()
        self.books.execute("SELECT relay.post(1000, '0', true)")
        self.settled = True

    @invariant()
    def no_more_is_in_the_books_than_there_is(self) -> None:
        for account in self.accounts:
            lots, (size, left) = sum(account.sender.lots.values()), account.sender.allotted
            assert lots <= sum(account.lots.values())
            assert account.used <= account.sender.used <= account.used + left <= account.used + size

    def teardown(self) -> None:
        self.settle()
        self.every_recipient_is_where_the_model_has_it()
        self.credits_add_up()
        self.statistics_are_the_sums_of_the_states()


def _as_row(one: Recipient) -> tuple[Any, ...]:
    return one.address, one.state, one.kind, one.attempts, one.lot


@pytest.mark.parametrize("queue", [Queue, AllottedQueue])
def test_whatever_happens_states_queue_credits_and_statistics_agree(
    app: Flask,
    desk: Desk,
    resellers: list[ResellerRef],
    books: psycopg.Connection[dict[str, Any]],
    queue: type[Queue],
) -> None:
    machine = type(queue.__name__, (queue,), {"desk": desk, "reseller": resellers[0], "books": books})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=20,
            stateful_step_count=40,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],  # shrinking would run for minutes; the steps are printed as they are
        ),
    )
