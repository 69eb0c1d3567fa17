"""The door, in Postgres: both Protocols over asyncpg, and nothing but calls of the `relay` functions.

Every fault of the database or of the way to it becomes Unavailable here, so that no caller knows asyncpg.
"""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import uuid4

import asyncpg
import structlog

from platform_core.clock import Clock
from platform_core.database import relay_url
from platform_core.errors import Unavailable
from platform_core.ids import AccountId, MessageId, ResellerId
from platform_core.mail.addresses import RETURN_PATH_LABEL
from platform_core.settings import Settings
from relay_worker.queue.claims import Claimed, Result, SealedKey, SenderIdentity
from relay_worker.queue.door import Route, SmtpHostname, Submission, Verdict

log = structlog.get_logger()

# Bodies above this many bytes do not come with the claim: a claim of large mails must not fill the memory at once.
INLINE_BYTES = 262_144
# A claim takes this many from one reseller, and from one lane of it, before it goes on to the next.
PER_RESELLER = 50
PER_LANE = 20


_FAULTS = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
_COMMAND_SECONDS = 30.0

# Of these the database holds the message, so that a second call would fail on it.
_WRITTEN = frozenset({Verdict.ACCEPTED, Verdict.HELD, Verdict.RECIPIENTS_SUPPRESSED})

_INGEST = "SELECT id, verdict FROM relay.ingest($1, $2::relay.submission[], $3, $4)"
_FINISH = "SELECT relay.finish($1, $2::relay.result[])"
_POST = "SELECT relay.post($1, $2, $3)"
# Entries of the log, of about 25 results each, that are posted in one transaction.
_POSTED_AT_ONCE = 400


async def _as_it_is(connection: asyncpg.Connection) -> None:
    """Nothing done through the door leaves a trace in the session, so it need not be reset after every call."""


async def open_pool(settings: Settings, *, size: int) -> asyncpg.Pool:
    """Connections of the role frankpost_relay. Raises Unavailable when the database does not answer.

    The one that was used last is used again. Calls that work in resellers' schemas have a pool apart: a connection keeps
    plans for every reseller whose functions it has called, a megabyte or two for each, and is slow until it has them.
    """
    url = relay_url(settings).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        # A connection that has planned the functions of every reseller is worth keeping, however idle.
        return await asyncpg.create_pool(
            url,
            reset=_as_it_is,
            min_size=1,
            max_size=size,
            command_timeout=_COMMAND_SECONDS,
            max_inactive_connection_lifetime=0,
            max_queries=0x7FFFFFFF,
        )
    except _FAULTS as error:
        raise Unavailable(f"The database does not answer: {error}") from error


class PostgresDoor:
    """`queue.door.Door` for the relay."""

    def __init__(
        self, pool: asyncpg.Pool, clock: Clock, *, allotment: int = 0, for_batches: asyncpg.Pool | None = None
    ) -> None:
        """`allotment`: the most recipients that a busy account has taken out of its books in advance; 0: none.

        `for_batches`: the pool for what is accepted, if it is another one.
        """
        self._pool = pool
        self._for_batches = for_batches or pool
        self._clock = clock
        self._allotment = allotment

    async def route(self, user_name: str) -> Route | None:
        async with database_call(self._pool) as connection:
            row = await connection.fetchrow("SELECT * FROM relay.route($1)", user_name)
        return _route(user_name, row) if row else None

    async def hostnames(self) -> list[SmtpHostname]:
        async with database_call(self._pool) as connection:
            rows = await connection.fetch("SELECT * FROM relay.hostnames()")
        return [
            SmtpHostname(row["name"], ResellerId(row["reseller_id"]), row["certificate"], row["sealed_key"])
            for row in rows
        ]

    async def ingest(self, batch: Sequence[Submission]) -> list[Verdict]:
        """See `Door`. A call that fails is made again: reseller by reseller, and for a reseller that fails message by
        message, so that one's fault is not another's. Then nothing allotted is spent, for whoever does may have to give
        way. What a call may have written before its answer was lost is found and not doubled.
        """
        try:
            verdicts = await self._ingest(batch, self._allotment)
        except Unavailable:
            await self._known([])  # raises when it is the database itself that is away
            verdicts = await self._ingest_apart(batch)
        return [verdicts[submission.message_id] for submission in batch]

    async def _ingest_apart(self, batch: Sequence[Submission]) -> dict[MessageId, Verdict]:
        verdicts: dict[MessageId, Verdict] = {}
        for reseller_id in {submission.reseller_id for submission in batch}:
            share = [submission for submission in batch if submission.reseller_id == reseller_id]
            try:
                verdicts |= await self._ingest_new(share)
            except Unavailable as error:
                log.error("ingest.failed", reseller_id=reseller_id, messages=len(share), error=str(error))
                for submission in share:
                    verdicts[submission.message_id] = await self._ingest_alone(submission)
        return verdicts

    async def _ingest_alone(self, submission: Submission) -> Verdict:
        try:
            verdicts = await self._ingest_new([submission])
        except Unavailable:
            return Verdict.TEMPORARY_FAULT
        return verdicts[submission.message_id]

    async def _ingest_new(self, share: Sequence[Submission]) -> dict[MessageId, Verdict]:
        """Only what no earlier call has written."""
        known = await self._known(share)
        left = [submission for submission in share if submission.message_id not in known]
        return known | (await self._ingest(left, 0) if left else {})

    async def _ingest(self, batch: Sequence[Submission], allotment: int) -> dict[MessageId, Verdict]:
        async with database_call(self._for_batches) as connection:
            rows = await connection.fetch(
                _INGEST,
                self._clock.now(),
                [_row(submission) for submission in batch],
                [submission.raw for submission in batch],
                allotment,
            )
        verdicts = _verdicts(rows)
        refused = [submission for submission in batch if verdicts[submission.message_id] not in _WRITTEN]
        if refused:
            # An earlier call may have accepted it, and its answer been lost; the credits it took are what is missing.
            verdicts |= await self._known(refused)
        return verdicts

    async def _known(self, batch: Sequence[Submission]) -> dict[MessageId, Verdict]:
        async with database_call(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT id, verdict FROM relay.known($1, $2)",
                [submission.reseller_id for submission in batch],
                [submission.message_id for submission in batch],
            )
        return _verdicts(rows)


class PostgresClaims:
    """`queue.claims.Claims` for one delivery worker: the lease is its own."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        settings: Settings,
        *,
        for_claims: asyncpg.Pool | None = None,
        for_posts: asyncpg.Pool | None = None,
    ) -> None:
        """`for_claims` and `for_posts`: the pools for what is read and written in resellers' schemas, if they are others."""
        self._pool = pool
        self._for_claims = for_claims or pool
        self._for_posts = for_posts or pool
        self._lease = uuid4()
        self._lease_seconds = settings.delivery_lease_seconds
        self._expire = timedelta(hours=settings.delivery_expire_hours)
        self._after = -1  # the reseller served last: the next claim begins behind it

    async def claim(self, limit: int, *, exclude_lanes: Sequence[int] = ()) -> list[Claimed]:
        async with database_call(self._for_claims) as connection:
            rows = await connection.fetch(
                "SELECT * FROM relay.claim($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                self._lease,
                limit,
                self._lease_seconds,
                self._after,
                _any_lane(),
                PER_RESELLER,
                PER_LANE,
                list(exclude_lanes),
                INLINE_BYTES,
            )
        if rows:
            self._after = rows[-1]["reseller_id"]
        return [self._claimed(row) for row in rows]

    async def body(self, reseller_id: ResellerId, message_id: MessageId) -> bytes:
        async with database_call(self._for_claims) as connection:
            raw = await connection.fetchval("SELECT relay.body($1, $2)", reseller_id, message_id)
        if raw is None:
            raise Unavailable(f"The body of {message_id} is not there.")
        return bytes(raw)

    async def sender(self, reseller_id: ResellerId, account_id: AccountId, domain: str) -> SenderIdentity:
        async with database_call(self._for_claims) as connection:
            row = await connection.fetchrow(
                "SELECT * FROM relay.sender($1, $2, $3)", reseller_id, account_id, domain
            )
        return_path = (
            f"{RETURN_PATH_LABEL}.{domain}" if row["return_path_verified"] else row["return_path_host"]
        )
        second = row["own_domain"] and SealedKey(
            row["own_domain"], row["own_selector"], row["own_sealed_key"]
        )
        return SenderIdentity(
            domain,
            row["selector"] or "",
            row["sealed_key"],
            return_path,
            row["smtp_host"],
            tracking_host=row["tracking_host"],
            second=second,
            list_unsubscribe=row["list_unsubscribe"],
            require_tls=row["require_tls"],
        )

    async def finish(self, results: Sequence[Result]) -> None:
        async with database_call(self._pool) as connection:
            await connection.execute(_FINISH, self._lease, [_result_row(result) for result in results])

    async def postpone(self, recipients: Sequence[tuple[MessageId, int]], until: Sequence[datetime]) -> None:
        ids, numbers = [message for message, _ in recipients], [n for _, n in recipients]
        async with database_call(self._pool) as connection:
            await connection.execute(
                "SELECT relay.postpone($1, $2, $3, $4)", self._lease, ids, numbers, list(until)
            )

    async def hand_over(self, recipients: Sequence[tuple[MessageId, int]], addresses: Sequence[int]) -> None:
        ids, numbers = [message for message, _ in recipients], [n for _, n in recipients]
        async with database_call(self._pool) as connection:
            await connection.execute(
                "SELECT relay.hand_over($1, $2, $3, $4)", self._lease, ids, numbers, list(addresses)
            )

    async def claim_handed(
        self, limit: int, addresses: Sequence[int], *, exclude_lanes: Sequence[int] = ()
    ) -> list[Claimed]:
        async with database_call(self._for_claims) as connection:
            rows = await connection.fetch(
                "SELECT * FROM relay.claim_handed($1, $2, $3, $4, $5, $6, $7, $8)",
                self._lease,
                limit,
                self._lease_seconds,
                list(addresses),
                _any_lane(),
                PER_LANE,
                list(exclude_lanes),
                INLINE_BYTES,
            )
        return [self._claimed(row) for row in rows]

    async def post(self, older: timedelta = timedelta()) -> int:
        """See `Claims`. When some reseller's schema can't take its results, each is told for itself, and what one can't
        take is set aside in the database, so that its fault holds up nobody else's results.
        """
        try:
            return await self._post(older, apart=False)
        except Unavailable as error:
            log.error("post.apart", error=str(error))
            return await self._post(older, apart=True)

    async def _post(self, older: timedelta, *, apart: bool) -> int:
        total = 0
        async with database_call(self._for_posts) as connection:
            while taken := await connection.fetchval(_POST, _POSTED_AT_ONCE, older, apart):
                total += taken
                if taken < _POSTED_AT_ONCE:
                    break
        return total

    async def renew(self, recipients: Sequence[tuple[MessageId, int]]) -> None:
        ids, numbers = [message for message, _ in recipients], [n for _, n in recipients]
        async with database_call(self._pool) as connection:
            await connection.execute(
                "SELECT relay.renew($1, $2, $3, $4)", self._lease, self._lease_seconds, ids, numbers
            )

    def _claimed(self, row: asyncpg.Record) -> Claimed:
        return Claimed(
            reseller_id=row["reseller_id"],
            account_id=row["account_id"],
            message_id=row["message_id"],
            n=row["n"],
            lane=row["lane"],
            rcpt_to=row["rcpt_to"],
            domain=row["domain"],
            attempts=row["attempts"],
            accepted_at=row["accepted_at"],
            expires_at=row["accepted_at"] + self._expire,
            mail_from=row["mail_from"],
            header_from=row["header_from"],
            smtputf8=row["smtputf8"],
            body_8bit=row["body_8bit"],
            size=row["size"],
            raw=row["raw"],
            envelope_id=row["envelope_id"],
            dsn_return=row["dsn_return"],
            dsn=row["dsn"] or "",
            suppressed=row["suppressed"],
        )


@asynccontextmanager
async def database_call(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.pool.PoolConnectionProxy]:
    """One connection for one call; whatever goes wrong with it is Unavailable."""
    try:
        async with pool.acquire(timeout=_COMMAND_SECONDS) as connection:
            yield connection
    except _FAULTS as error:
        raise Unavailable(f"{type(error).__name__}: {error}") from error


def _any_lane() -> int:
    """Where a claim begins among the lanes: fair, and no secret."""
    return random.randint(-(2**31), 2**31 - 1)  # noqa: S311


def _route(user_name: str, row: asyncpg.Record) -> Route:
    return Route(
        user_name=user_name,
        reseller_id=row["reseller_id"],
        reseller_active=row["reseller_active"],
        account_id=row["account_id"],
        account_active=row["account_active"],
        smtp_account_id=row["smtp_account_id"],
        credential_active=row["credential_active"],
        verifier=row["verifier"],
        domains=frozenset(row["domains"]),
        smtp_host=row["smtp_host"],
    )


def _row(submission: Submission) -> tuple[object, ...]:
    """The message as the composite type relay.submission."""
    return (
        submission.reseller_id,
        submission.account_id,
        submission.message_id,
        submission.smtp_account_id,
        submission.mail_from,
        "\n".join(submission.rcpt_to),
        submission.header_from,
        submission.subject,
        submission.message_id_header,
        submission.smtputf8,
        submission.body_8bit,
        submission.client_address,
        submission.client_helo,
        submission.tls_version,
        len(submission.raw),
        submission.envelope_id,
        submission.dsn_return,
        "\n".join(submission.rcpt_dsn) or None,
    )


def _result_row(result: Result) -> tuple[object, ...]:
    """The result as the composite type relay.result."""
    return (
        result.reseller_id,
        result.message_id,
        result.n,
        result.at,
        result.state,
        result.bounce_kind,
        result.reply_code,
        result.enhanced_code,
        result.reply_text,
        result.remote_host,
        result.remote_address,
        result.tls_version,
        result.duration_ms,
        result.next_at,
        result.outcome_class,
        result.source_address,
        result.tls_trust,
    )


def _verdicts(rows: Sequence[asyncpg.Record]) -> dict[MessageId, Verdict]:
    return {MessageId(row["id"]): Verdict(row["verdict"]) for row in rows}
