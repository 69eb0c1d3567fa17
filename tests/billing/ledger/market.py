"""A reseller, its customer and the passing of time, beside a model of what their books must say after every step."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from billing.ledger.checks import check_ledger
from billing.ledger.models import CreditLot, LotOrigin
from billing.ledger.services import grant_credits, record_lapsed, refund_untried, revoke_bought
from billing.ledger.transfers import hand_over, take_back
from billing.money import Money
from platform_core.clock import StoppedClock, SystemClock
from platform_core.database import ResellerRef, tenant_session
from platform_core.errors import InsufficientCredits
from platform_core.ids import AccountId, MessageId
from platform_core.mail.states import BounceKind, RecipientState
from platform_core.security import SecretVerifier
from platform_core.settings import settings
from relay_worker.bounces.classes import OutcomeClass
from relay_worker.queue.claims import Result
from relay_worker.queue.door import Verdict
from tenants.accounts.queries import main_account
from tenants.models import Account
from tenants.smtp_accounts.services import create_smtp_account
from tests.relay_worker.queue.desk import Desk, Sender, open_account

Books = psycopg.Connection[dict[str, Any]]

# The day before summer time begins in Vienna, and the year before a leap year's February.
BEGIN = datetime(2027, 3, 27, 12, tzinfo=UTC)


@dataclass
class ModelLot:
    """A lot as it must be."""

    account: AccountId
    expires_at: datetime
    left: int
    given_by: int | None = None


@dataclass(frozen=True)
class Sent:
    """A recipient that was accepted, and the lot that paid."""

    message_id: MessageId
    n: int
    account: AccountId
    paid_by: int


@dataclass
class Market:
    """Every verb does the same to the real books and to the model."""

    reseller: ResellerRef
    desk: Desk
    stock: Sender
    customer: Sender
    clock: StoppedClock = field(default_factory=lambda: StoppedClock(BEGIN))
    lots: dict[int, ModelLot] = field(default_factory=dict)
    waiting: list[Sent] = field(default_factory=list)
    failed: list[Sent] = field(default_factory=list)
    came: int = 0
    gone: int = 0  # used, lapsed or revoked
    returned: int = 0

    # --- verbs ---

    def buy(self, sender: Sender, credits: int, cost: int) -> None:
        def verb(session: Session) -> None:
            account = session.get_one(Account, sender.account_id)
            lot = grant_credits(
                session, account, credits, clock=self.clock, origin=LotOrigin.BOUGHT, cost=Money(cost, "EUR")
            )
            self.lots[lot.lot_id] = ModelLot(account.id, lot.expires_at, credits)

        self._do(verb)
        self.came += credits

    def hand_over(self, credits: int) -> None:
        cuts = self._cut(self._open(self.stock.account_id), credits)
        moved = self._move(hand_over, self.stock, self.customer, credits, possible=cuts is not None)
        for part, (lot_id, taken) in zip(moved, cuts or [], strict=True):
            assert (part.stock_lot, part.credits) == (lot_id, taken)
            lot = self.lots[lot_id]
            lot.left -= taken
            self.lots[part.customer_lot] = ModelLot(self.customer.account_id, lot.expires_at, taken, lot_id)

    def take_back(self, credits: int) -> None:
        handed = [lot for lot in self._open(self.customer.account_id) if self.lots[lot].given_by]
        cuts = self._cut(handed[::-1], credits)
        moved = self._move(take_back, self.customer, self.stock, credits, possible=cuts is not None)
        for part, (lot_id, taken) in zip(moved, cuts or [], strict=True):
            assert (part.customer_lot, part.credits) == (lot_id, -taken)
            lot = self.lots[lot_id]
            lot.left -= taken
            self.lots[lot.given_by or 0].left += taken

    def send(self, sender: Sender, recipients: int) -> None:
        cuts = self._cut(self._open(sender.account_id), recipients)
        message = sender.message(*(f"r{n}@x.example" for n in range(recipients)))
        expected = Verdict.CREDITS_EXHAUSTED if cuts is None else Verdict.ACCEPTED
        assert self.desk.ingest(message, at=self.clock.now()) == [expected]
        payers = [lot for lot, taken in cuts or [] for _ in range(taken)]
        for n, lot in enumerate(payers):
            self.lots[lot].left -= 1
            self.waiting.append(Sent(message.message_id, n, sender.account_id, lot))
        self.gone += len(payers)

    def settle(self, count: int, *, tried: bool) -> None:
        """Some of what waits ends: refused by its server, or never offered to any."""
        ending, self.waiting = self.waiting[:count], self.waiting[count:]
        self.desk.worker().finish(*(self._ended(one, tried=tried) for one in ending))
        if not tried:
            self.failed += ending

    def give_back(self) -> None:
        now = self.clock.now()
        for sender in (self.stock, self.customer):
            mine = [one for one in self.failed if one.account == sender.account_id]

            def verb(session: Session, sender: Sender = sender, mine: list[Sent] = mine) -> None:
                account = session.get_one(Account, sender.account_id)
                assert refund_untried(session, account, clock=self.clock) == len(mine)

            self._do(verb)
            lapsed = [one for one in mine if self.lots[one.paid_by].expires_at <= now]
            for one in mine:
                if one not in lapsed:
                    self.lots[one.paid_by].left += 1
            if lapsed:
                self._adopt_new_lot(sender, len(lapsed))
            self.returned += len(mine)
        self.failed = []

    def write_down_lapsed(self) -> None:
        ended = [lot for lot in self.lots.values() if lot.expires_at <= self.clock.now()]
        credits = sum(lot.left for lot in ended)

        def verb(session: Session) -> None:
            assert record_lapsed(session, clock=self.clock).credits == credits

        self._do(verb)
        for lot in ended:
            lot.left = 0
        self.gone += credits

    def undo_purchase(self, lot_id: int, credits: int) -> None:
        lot = self.lots[lot_id]
        taken = min(lot.left, credits) if lot.expires_at > self.clock.now() else 0

        def verb(session: Session) -> None:
            revoked = revoke_bought(session, [lot_id], credits, clock=self.clock, note="Disputed")
            assert (revoked.taken, revoked.missing) == (taken, credits - taken)

        self._do(verb)
        lot.left -= taken
        self.gone += taken

    # --- what must be so ---

    def compare(self) -> None:
        """Lot by lot what the model says, and nothing out of nowhere."""
        with tenant_session(self.reseller) as session:
            rows = session.execute(text("SELECT id, remaining FROM credit_lot"))
            found = {row.id: row.remaining for row in rows}
        assert found == {lot_id: lot.left for lot_id, lot in self.lots.items()}
        assert sum(found.values()) == self.came + self.returned - self.gone
        assert min(found.values(), default=0) >= 0

    def prove(self) -> None:
        """The product's own proof; and the counts of use, without what was given back."""
        with tenant_session(self.reseller) as session:
            report = check_ledger(session)
        assert report.sound, report.faults
        assert report.balance == sum(lot.left for lot in self.lots.values())

    # --- the model ---

    def _open(self, account: AccountId) -> list[int]:
        now = self.clock.now()
        mine = [
            (lot.expires_at, lot_id)
            for lot_id, lot in self.lots.items()
            if lot.account == account and lot.left and lot.expires_at > now
        ]
        return [lot_id for _, lot_id in sorted(mine)]

    def _cut(self, lots: list[int], credits: int) -> list[tuple[int, int]] | None:
        """What each lot gives, in this order; None when they don't suffice."""
        cuts = []
        for lot_id in lots:
            taken = min(self.lots[lot_id].left, credits)
            credits -= taken
            if taken:
                cuts.append((lot_id, taken))
        return cuts if credits == 0 else None

    def _adopt_new_lot(self, sender: Sender, credits: int) -> None:
        with tenant_session(self.reseller) as session:
            newest = select(CreditLot).where(CreditLot.account_id == sender.account_id)
            lot = session.scalars(newest.order_by(CreditLot.id.desc()).limit(1)).one()
        assert lot.id not in self.lots
        self.lots[lot.id] = ModelLot(sender.account_id, lot.expires_at, credits)

    # --- the real thing ---

    def _do(self, verb: Callable[[Session], None]) -> None:
        with tenant_session(self.reseller) as session:
            verb(session)
            session.commit()

    def _move(self, verb: Any, source: Sender, target: Sender, credits: int, *, possible: bool) -> Any:
        with tenant_session(self.reseller) as session:
            accounts = [session.get_one(Account, sender.account_id) for sender in (source, target)]
            try:
                moved = verb(session, *accounts, credits, clock=self.clock)
            except InsufficientCredits:
                assert not possible
                return ()
            session.commit()
        assert possible
        return moved.parts

    def _ended(self, one: Sent, *, tried: bool) -> Result:
        return Result(
            reseller_id=self.reseller.id,
            message_id=one.message_id,
            n=one.n,
            at=SystemClock().now(),
            state=RecipientState.EXPIRED,
            bounce_kind=BounceKind.SOFT,
            reply_code=451,
            enhanced_code="4.3.0",
            reply_text="",
            remote_host="mx.example.org" if tried else "",
            remote_address="",
            tls_version="",
            duration_ms=0,
            next_at=None,
            outcome_class=OutcomeClass.UNREACHABLE if tried else OutcomeClass.INTERNAL,
        )


def open_market(reseller: ResellerRef, desk: Desk, books: Books) -> Market:
    """Empty books, in two time zones. Needs an application context."""
    customer = open_account(books, reseller, time_zone="America/New_York")
    verifier = SecretVerifier(settings().secret_key.get_secret_value())
    with tenant_session(reseller) as session:
        main = main_account(session)
        main.time_zone = "Europe/Vienna"
        login = create_smtp_account(session, main.id, "Own mail", verifier=verifier)
        session.commit()
    smtp = login.smtp_account
    stock = Sender(books, reseller, main.id, smtp.id, smtp.user_name, login.secret)
    return Market(reseller, desk, stock, customer)


JUMPS = (
    timedelta(microseconds=1),
    timedelta(hours=20),  # over the night in which summer time begins
    timedelta(days=100),
    timedelta(days=338, hours=12),  # to 29 February, from the beginning
    timedelta(days=366),
)
