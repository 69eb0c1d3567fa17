"""The queue's two Protocols as plain calls on a real database, accounts that send through it, and a look at the books."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from billing.ledger.services import grant_credits
from platform_core.clock import StoppedClock, SystemClock
from platform_core.database import ResellerRef, schema_of, tenant_session
from platform_core.ids import AccountId, MessageId, ResellerId, SmtpAccountId, new_message_id
from platform_core.mail.states import BounceKind, RecipientState
from platform_core.security import SecretVerifier
from platform_core.settings import Settings, settings
from relay_worker.queue.claims import Claimed, Result
from relay_worker.queue.door import Submission, Verdict
from relay_worker.queue.postgres import PostgresClaims, PostgresDoor, open_pool
from relay_worker.suppressions.services import suppress
from tenants.accounts.services import NewAccount, create_sub_account
from tenants.models import Account
from tenants.smtp_accounts.services import create_smtp_account

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
RAW = b"From: a@shop.example\r\nSubject: Hello\r\n\r\nHello\r\n"


@dataclass(frozen=True)
class Sender:
    """An account with a login, as far as acceptance knows it. `books`: the owner's connection, to look and change by."""

    books: psycopg.Connection[dict[str, Any]] = field(repr=False, compare=False)
    reseller: ResellerRef
    account_id: AccountId
    smtp_account_id: SmtpAccountId
    user_name: str
    secret: str

    def message(self, *rcpt_to: str, **changes: Any) -> Submission:
        """A message to these, or to one somebody."""
        submission = Submission(
            message_id=new_message_id(SystemClock().now()),
            reseller_id=self.reseller.id,
            account_id=self.account_id,
            smtp_account_id=self.smtp_account_id,
            received_at=NOON,
            mail_from="bounces@shop.example",
            rcpt_to=rcpt_to or ("someone@example.org",),
            header_from="hello@shop.example",
            subject="Hello",
            message_id_header="<1@shop.example>",
            smtputf8=False,
            body_8bit=False,
            client_address="203.0.113.7",
            client_helo="app.shop.example",
            tls_version="TLSv1.3",
            raw=RAW,
        )
        return replace(submission, **changes)

    def messages(self, count: int, *rcpt_to: str) -> list[Submission]:
        return [self.message(*rcpt_to) for _ in range(count)]

    def grant(self, credits: int, *, expires_at: datetime = NOON + timedelta(days=100)) -> int:
        """A lot that lapses then; its id."""
        with tenant_session(self.reseller) as session:
            account = session.get_one(Account, self.account_id)
            bought_at = StoppedClock(expires_at.replace(year=expires_at.year - 1))
            lot = grant_credits(session, account, credits, clock=bought_at)
            session.commit()
        return lot.lot_id

    def suppress(self, *addresses: str) -> None:
        with tenant_session(self.reseller) as session:
            for address in addresses:
                suppress(session, self.account_id, address, clock=SystemClock())
            session.commit()

    def change(self, table: str, **values: object) -> None:
        """Change the row of this account, or of its login, in its table."""
        key = self.smtp_account_id if table == "smtp_account" else self.account_id
        assignments = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder()) for name in values
        )
        update = sql.SQL("UPDATE {}.{} SET {} WHERE id = {}").format(
            sql.Identifier(schema_of(self.reseller.key)),
            sql.Identifier(table),
            assignments,
            sql.Placeholder(),
        )
        self.books.execute(update, [*values.values(), key])

    # --- the books ---

    def rows(self, query: str) -> list[dict[str, Any]]:
        """What a query within the reseller's schema finds; `%(account)s` stands for this account."""
        schema = sql.Identifier(schema_of(self.reseller.key))
        self.books.execute(sql.SQL("SET search_path = {}").format(schema))
        return self.books.execute(query.encode(), {"account": self.account_id}).fetchall()

    def value(self, query: str) -> Any:
        return next(iter(self.rows(query)[0].values()))

    @property
    def used(self) -> int:
        """Recipients accepted, over all months."""
        return int(
            self.value("SELECT coalesce(sum(accepted), 0) FROM account_month WHERE account_id = %(account)s")
        )

    @property
    def from_plan(self) -> int:
        return int(
            self.value("SELECT coalesce(sum(from_plan), 0) FROM account_month WHERE account_id = %(account)s")
        )

    @property
    def overage(self) -> int:
        return int(
            self.value("SELECT coalesce(sum(overage), 0) FROM account_month WHERE account_id = %(account)s")
        )

    def end_allotments(self) -> None:
        """As if everybody had been quiet for long: whatever is allotted goes back into the books, of all accounts."""
        self.books.execute("SELECT relay.end_allotments('infinity', 1000)")

    @property
    def allotted(self) -> tuple[int, int]:
        """What is taken out of the books in advance, and what of it is still to be used."""
        found = self.rows(
            "SELECT size, remaining FROM relay.allotment WHERE account_id = %(account)s"
            f" AND reseller_id = {self.reseller.id}"
        )
        return (found[0]["size"], found[0]["remaining"]) if found else (0, 0)

    @property
    def lots(self) -> dict[int, int]:
        """What is left in each lot."""
        found = self.rows("SELECT id, remaining FROM credit_lot WHERE account_id = %(account)s")
        return {row["id"]: row["remaining"] for row in found}

    @property
    def ledger(self) -> int:
        """The sum of all entries."""
        return int(
            self.value("SELECT coalesce(sum(credits), 0) FROM credit_entry WHERE account_id = %(account)s")
        )

    @property
    def states(self) -> dict[str, str]:
        """Of every recipient of this account, by address."""
        found = self.rows(
            "SELECT rcpt_to, state FROM recipient WHERE account_id = %(account)s ORDER BY message_id, n"
        )
        return {row["rcpt_to"]: row["state"] for row in found}

    @property
    def stats(self) -> dict[str, int]:
        """The counts over all hours that are not 0, with all that is logged posted."""
        self.books.execute("SELECT relay.post(1000, '0', true)")
        names = ["accepted", "dropped", "delivered", "deferred", "bounced_hard", "bounced_soft", "expired"]
        sums = ", ".join(f"coalesce(sum({name}), 0)::int AS {name}" for name in names)
        found = self.rows(f"SELECT {sums} FROM stats_hour WHERE account_id = %(account)s")[0]
        return {name: count for name, count in found.items() if count}

    def count(self, table: str) -> int:
        """Rows of this account in a table."""
        return int(self.value(f"SELECT count(*) FROM {table} WHERE account_id = %(account)s"))

    @property
    def due(self) -> list[dict[str, Any]]:
        """What of this account is in the queue."""
        query = f"SELECT * FROM relay.due WHERE account_id = %(account)s AND reseller_id = {self.reseller.id} ORDER BY 1, 2"
        return self.rows(query)


def owner_connection(reseller: ResellerRef | None = None) -> psycopg.Connection[dict[str, Any]]:
    """As the database's owner, within a reseller's schema; commits at the end of its block."""
    connection = psycopg.connect(settings().database_url.get_secret_value(), row_factory=dict_row)
    if reseller is not None:
        connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(schema_of(reseller.key))))
    return connection


@contextmanager
def locked_out(reseller: ResellerRef) -> Iterator[None]:
    """Nobody can even look at who its recipients are meanwhile."""
    with owner_connection(reseller) as books:
        books.execute("LOCK TABLE recipient IN ACCESS EXCLUSIVE MODE")
        yield
        books.rollback()


def open_account(
    books: psycopg.Connection[dict[str, Any]],
    reseller: ResellerRef,
    *,
    credits: int = 0,
    plan: int = 0,
    cap: int | None = None,
    time_zone: str = "UTC",
) -> Sender:
    """A sub-account that may send so much. Needs an application context."""
    secret_key = settings().secret_key.get_secret_value()
    with tenant_session(reseller) as session:
        new = NewAccount(f"Shop {uuid4().hex[:6]}", time_zone, monthly_cap=cap, plan_quota=plan)
        account = create_sub_account(session, new)
        login = create_smtp_account(session, account.id, "Web shop", verifier=SecretVerifier(secret_key))
        session.commit()
    smtp = login.smtp_account
    sender = Sender(books, reseller, account.id, smtp.id, smtp.user_name, login.secret)
    if credits:
        sender.grant(credits)
    return sender


class Worker:
    """One delivery worker's claims, as plain calls; its lease is its own."""

    def __init__(self, desk: "Desk", pool: asyncpg.Pool, settings: Settings) -> None:
        self._desk = desk
        self.claims = PostgresClaims(pool, settings)

    def claim(self, limit: int = 100, exclude: Sequence[int] = ()) -> list[Claimed]:
        return self._desk.run(self.claims.claim(limit, exclude_lanes=exclude))

    def finish(self, *results: Result) -> None:
        """Log the results and post them."""
        self._desk.run(self.claims.finish(results))
        self.post()

    def post(self) -> None:
        self._desk.run(self.claims.post())

    def renew(self, *claimed: Claimed) -> None:
        self._desk.run(self.claims.renew([(one.message_id, one.n) for one in claimed]))

    def body(self, reseller_id: ResellerId, message_id: MessageId) -> bytes:
        return self._desk.run(self.claims.body(reseller_id, message_id))


class Desk:
    """The door on a loop of its own, with a clock that stands still unless it is moved."""

    def __init__(self, pool_size: int = 4) -> None:
        self._loop = asyncio.new_event_loop()
        self.settings = settings()
        self.pool: asyncpg.Pool = self.run(open_pool(self.settings, size=pool_size))

    def run(self, work: Any) -> Any:
        return self._loop.run_until_complete(work)

    def close(self) -> None:
        self.run(self.pool.close())
        self._loop.close()

    def ingest(self, *submissions: Submission, at: datetime = NOON, allotment: int = 0) -> list[Verdict]:
        return self.run(PostgresDoor(self.pool, StoppedClock(at), allotment=allotment).ingest(submissions))

    def accept(self, *submissions: Submission) -> None:
        """Have them accepted; all must be."""
        assert set(self.ingest(*submissions)) == {Verdict.ACCEPTED}

    def worker(self) -> Worker:
        return Worker(self, self.pool, self.settings)


def end_leases() -> None:
    """As if every lease had run out, and the time of every deferred recipient come. Right after its start the server
    leaves leases alone for a while: then this waits until it is over.
    """
    with owner_connection() as connection:
        connection.execute(
            "SELECT pg_sleep(greatest(0, 5.1 - extract(epoch FROM now() - pg_postmaster_start_time())))"
        )
        connection.execute("UPDATE relay.due SET next_at = now() - interval '1 second' WHERE NOT ready")


def forget_figures() -> None:
    """Let the queue be counted anew. A busy machine counts slowly, and what took long to count is shown for a while."""
    with owner_connection() as connection:
        connection.execute("DELETE FROM relay.queue_sample")


def result(
    claimed: Claimed,
    state: RecipientState = RecipientState.DELIVERED,
    *,
    kind: BounceKind | None = None,
    at: datetime | None = None,
    next_at: datetime | None = None,
) -> Result:
    """What an attempt came to: delivered, unless said otherwise."""
    at = at or SystemClock().now()
    if state is RecipientState.DEFERRED and next_at is None:
        next_at = at + timedelta(minutes=5)
    if state is RecipientState.BOUNCED and kind is None:
        kind = BounceKind.HARD
    return Result(
        reseller_id=claimed.reseller_id,
        message_id=claimed.message_id,
        n=claimed.n,
        at=at,
        state=state,
        bounce_kind=kind,
        reply_code=250,
        enhanced_code="2.0.0",
        reply_text="as the remote said",
        remote_host="mx.example.org",
        remote_address="198.51.100.25",
        tls_version="TLSv1.3",
        duration_ms=184,
        next_at=next_at,
    )
