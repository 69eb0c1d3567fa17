"""Hold and release against a model: whatever comes in whatever order, every recipient is where it should be and paid once."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import psycopg
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from platform_core.clock import StoppedClock
from platform_core.database import ResellerRef, tenant_session
from relay_worker.holding import services
from relay_worker.queue.door import Verdict
from tests.relay_worker.queue.desk import NOON, Desk, Sender, open_account

ROOM = 12
BATCH = 3


@dataclass
class Books:
    """What the model knows of the account; `lots` in the order in which they are spent, `held` oldest first."""

    cap: int = 6
    plan: int = 2
    used: int = 0
    from_plan: int = 0
    overage_limit: int = 0
    overage: int = 0
    granted: int = 0
    lots: dict[int, int] = field(default_factory=dict)
    held: list[str] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    suppressed: set[str] = field(default_factory=set)

    def covers(self, recipients: int) -> bool:
        left = self.plan - min(self.from_plan, self.plan) + sum(self.lots.values())
        left += max(self.overage_limit - self.overage, 0)
        return self.used + recipients <= self.cap and recipients <= left

    def pay(self) -> None:
        self.used += 1
        if self.from_plan < self.plan:
            self.from_plan += 1
            return
        lot = next((lot for lot, left in self.lots.items() if left), None)
        if lot is None:
            self.overage += 1
        else:
            self.lots[lot] -= 1

    def accept(self, wanted: list[str]) -> Verdict:
        billable = [one for one in wanted if one not in self.suppressed]
        covered, room = self.covers(len(billable)), len(billable) <= ROOM - len(self.held)
        if covered and not (self.held and room):
            for one in billable:
                self.pay()
                self.states[one] = "queued"
            return Verdict.ACCEPTED
        if room:
            self.held += billable
            self.states |= dict.fromkeys(billable, "held")
            return Verdict.HELD
        return Verdict.CAP_REACHED if self.used + len(billable) > self.cap else Verdict.CREDITS_EXHAUSTED

    def release(self) -> int:
        """One batch."""
        settled = []
        for one in self.held[:BATCH]:
            if one in self.suppressed:
                self.states[one] = "dropped"
            elif self.covers(1):
                self.pay()
                self.states[one] = "queued"
            else:
                continue
            settled.append(one)
        self.held = [one for one in self.held if one not in settled]
        return len(settled)


class Holding(RuleBasedStateMachine):
    """One account that holds; `desk`, `books` and `reseller` are given by the test."""

    desk: Desk
    reseller: ResellerRef
    books: psycopg.Connection[dict[str, Any]]

    def __init__(self) -> None:
        super().__init__()
        self.model = Books()
        self.sender: Sender = open_account(
            self.books, self.reseller, cap=self.model.cap, plan=self.model.plan
        )
        self.sender.change("account", at_quota_end="hold", held_limit=ROOM)
        self.sent = 0

    @rule(recipients=st.integers(1, 4))
    def send(self, recipients: int) -> None:
        wanted = [f"{self.sent + n}@example.org" for n in range(recipients)]
        self.sent += recipients
        assert self.desk.ingest(self.sender.message(*wanted)) == [self.model.accept(wanted)]

    @rule(credits=st.integers(1, 5))
    def top_up(self, credits: int) -> None:
        expires_at = NOON + timedelta(days=30 + len(self.model.lots))
        self.model.lots[self.sender.grant(credits, expires_at=expires_at)] = credits
        self.model.granted += credits

    @rule(more=st.integers(0, 4))
    def raise_limits(self, more: int) -> None:
        self.model.cap += more
        self.model.plan += more // 2
        self.sender.change("account", monthly_cap=self.model.cap, plan_quota=self.model.plan)

    @rule(more=st.integers(0, 2))
    def agree_on_more_overage(self, more: int) -> None:
        self.model.overage_limit += more
        self.sender.change("account", overage_quota=self.model.overage_limit)

    @rule()
    def release(self) -> None:
        with tenant_session(self.reseller) as session:
            while settled := services.release_held(session, self.sender.account_id, clock=StoppedClock(NOON)):
                session.commit()
                assert settled == self.model.release()
        assert self.model.release() == 0

    @rule(data=st.data())
    def suppress_one_that_is_held(self, data: st.DataObject) -> None:
        left = [one for one in self.model.held if one not in self.model.suppressed]
        if left:
            address = data.draw(st.sampled_from(left))
            self.sender.suppress(address)
            self.model.suppressed.add(address)

    @rule()
    def discard_everything(self) -> None:
        with tenant_session(self.reseller) as session:
            while services.discard_held(
                session, self.sender.account_id, clock=StoppedClock(NOON), reason="not wanted"
            ):
                session.commit()
        self.model.states |= dict.fromkeys(self.model.held, "dropped")
        self.model.held = []

    @invariant()
    def every_recipient_is_where_the_model_has_it(self) -> None:
        assert self.sender.states == self.model.states

    @invariant()
    def what_is_held_is_counted_twice_and_alike(self) -> None:
        directory = self.sender.rows(
            f"SELECT recipients FROM relay.holding WHERE reseller_id = {self.reseller.id} AND account_id = %(account)s"
        )
        counted = directory[0]["recipients"] if directory else 0
        assert self.sender.count("held") == counted == len(self.model.held)

    @invariant()
    def credits_add_up(self) -> None:
        sender, model = self.sender, self.model
        assert sender.lots == model.lots
        assert sender.ledger == sum(model.lots.values())
        counted = (sender.used, sender.from_plan, sender.overage)
        assert counted == (model.used, model.from_plan, model.overage)
        assert model.granted - sender.ledger + model.from_plan + model.overage == model.used

    @invariant()
    def only_what_is_paid_is_due(self) -> None:
        states = Counter(self.model.states.values())
        assert len(self.sender.due) == states["queued"] == self.model.used


def test_whatever_happens_held_mail_and_credits_agree(
    app: Flask,
    desk: Desk,
    resellers: list[ResellerRef],
    books: psycopg.Connection[dict[str, Any]],
    monkeypatch,
) -> None:
    monkeypatch.setattr(services, "AT_ONCE", BATCH)
    machine = type("Holding", (Holding,), {"desk": desk, "reseller": resellers[0], "books": books})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=20,
            stateful_step_count=30,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],  # shrinking would run for minutes; the steps are printed as they are
        ),
    )
