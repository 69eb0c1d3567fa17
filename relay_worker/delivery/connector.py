"""Opening a connection: the servers of a destination in order, until one greets us, as well protected as demanded."""

import asyncio
import errno
import ipaddress
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from platform_core.mail.replies import Reply
from relay_worker.delivery.client import HandshakeFailed, Manners, SmtpClient, TlsFailed
from relay_worker.delivery.conversation import Conversation
from relay_worker.delivery.destination import Destination, MailServer
from relay_worker.delivery.faults import RecentFaults
from relay_worker.delivery.tls.contexts import Contexts
from relay_worker.delivery.tls.faults import TlsFaults
from relay_worker.delivery.tls.levels import IN_CLEAR, TlsAchieved, TlsFailure, TlsLevel
from relay_worker.delivery.tls.policy import OPPORTUNISTIC, HostDemand, TlsDemand
from relay_worker.delivery.tls.tally import TlsTally, policy_applied
from relay_worker.delivery.transaction import INTERNAL_FAULT, Answer, Stage

MAX_SERVERS = (
    6  # RFC 5321 5.1 asks for at least two addresses; a dead destination must not hold us for an hour
)
DEAD_SECONDS = 120.0

NO_COMMON_FAMILY = Reply(
    451, "4.4.1", "no mail server has an address of the kind (IPv4, IPv6) that we send from"
)

log = structlog.get_logger()


class NoServer(Exception):
    """None of the destination's servers took the connection; `answer` is what is said to its recipients."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.reply.line())
        self.answer = answer


class SourceUnusable(HandshakeFailed):
    """We cannot send from the address we were to: no server is to blame, and none will do."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where we come from: the local address to bind, and the name to say; None leaves each to the system, the settings."""

    source: str | None = None
    helo: str | None = None

    def reaches(self, server: MailServer) -> bool:
        """Whether both addresses are of one family."""
        if self.source is None:
            return True
        ours, theirs = ipaddress.ip_address(self.source), ipaddress.ip_address(server.address)
        return ours.version == theirs.version


class Connector:
    """Opens connections and remembers which servers were dead, and which could not do the TLS they offered."""

    def __init__(
        self,
        manners: Manners,
        *,
        verify_tls: bool,
        rng: random.Random,
        clock: Callable[[], float] = time.monotonic,
        authorities: Path | None = None,
        tally: TlsTally | None = None,
    ) -> None:
        """`verify_tls`: every server must have a valid certificate; `authorities`: a PEM file of those trusted."""
        self._manners = manners
        self._floor = TlsLevel.NAMED if verify_tls else TlsLevel.CLEAR
        self._rng = rng
        self._contexts = Contexts(authorities)
        self._tally = tally
        self._dead = RecentFaults(DEAD_SECONDS, clock)
        self._faults = TlsFaults(clock)

    async def connect(
        self,
        destination: Destination,
        demand: TlsDemand = OPPORTUNISTIC,
        *,
        source: str | None = None,
        helo: str | None = None,
    ) -> Conversation:
        """A greeted connection to the first server that takes one and meets `demand`, which is never lowered.

        `source`: the local address to send from; servers of the other family are passed over. `helo`: the name said
        from there. Raises NoServer.
        """
        origin = Origin(source, helo)
        demand = self._at_least_floor(demand)
        failures: list[Answer] = []
        for server in self._order(destination, origin):
            started = time.monotonic()
            try:
                return await self._greeted(server, demand, origin)
            except HandshakeFailed as failure:
                failures.append(_answer(failure, server, origin, started))
                if isinstance(failure, SourceUnusable):
                    break
                if not isinstance(failure, TlsFailed):
                    self._dead.remember(server.address)
        raise NoServer(_most_hopeful(failures) if failures else Answer(NO_COMMON_FAMILY, Stage.CONNECT))

    def _at_least_floor(self, demand: TlsDemand) -> TlsDemand:
        if demand.floor >= self._floor:
            return demand
        return replace(demand, floor=self._floor, floor_because="the operator")

    def _order(self, destination: Destination, origin: Origin) -> list[MailServer]:
        """By preference, but the lately dead last: else each new connection would wait for them again."""
        reached = [server for server in destination.in_order(self._rng) if origin.reaches(server)]
        return sorted(reached, key=lambda server: server.address in self._dead)[:MAX_SERVERS]

    # --- one server ---

    async def _greeted(self, server: MailServer, demand: TlsDemand, origin: Origin) -> Conversation:
        """Raises HandshakeFailed; TlsFailed when it is the demand that was not met."""
        wish = demand.of(server.host)
        try:
            if wish.refusal is not None:
                raise TlsFailed(Stage.CONNECT, wish.refusal, wish.failure or TlsFailure.VALIDATION)
            conversation, failure = await self._best(server, wish, origin)
        except TlsFailed as error:
            self._count(server, demand, wish, error.failure)
            raise
        self._count(server, demand, wish, failure or wish.failure)
        return conversation

    async def _best(
        self, server: MailServer, wish: HostDemand, origin: Origin
    ) -> tuple[Conversation, TlsFailure | None]:
        """The connection of the highest level that works, from the wish's aim down to its need.

        Each level takes a connection of its own: after a failed handshake nothing can be said on the old one. Besides
        the connection, what kept it below the aim.
        """
        failure: TlsFailure | None = None
        for level in _levels(wish):
            known = self._faults.recall(server.host, level) if level > wish.need else None
            if known is not None:
                failure = failure or known
                continue
            try:
                conversation = await self._spoken_to(server, level, wish, origin)
            except TlsFailed as error:
                if level <= wish.need:
                    raise _unmet(error, wish) from error
                # RFC 7435: a server whose TLS is broken gets its mail in clear, as it would without STARTTLS.
                self._faults.remember(server.host, level, error.failure)
                failure = failure or error.failure
                continue
            missing = TlsFailure.STARTTLS_NOT_SUPPORTED if conversation.tls.level < level else None
            return conversation, failure or missing
        raise AssertionError("the last level is either reached or raises")

    async def _spoken_to(
        self, server: MailServer, level: TlsLevel, wish: HostDemand, origin: Origin
    ) -> Conversation:
        manners = self._manners if origin.helo is None else replace(self._manners, helo=origin.helo)
        client = await self._open(server, manners, origin)
        try:
            await client.greet()
            achieved = await self._secured(client, server, level, wish)
        except BaseException:
            client.abort()
            raise
        # Clear is gone down to only where TLS was tried; a server without STARTTLS ends at a higher level.
        in_clear_by_fault = level is TlsLevel.CLEAR
        return Conversation(
            client,
            manners,
            server.host,
            server.address,
            tls_failed=in_clear_by_fault,
            tls=achieved,
            source=origin.source or "",
        )

    async def _secured(
        self, client: SmtpClient, server: MailServer, level: TlsLevel, wish: HostDemand
    ) -> TlsAchieved:
        """Raises TlsFailed when this server can't do `level`, unless nothing is needed and it offers no TLS at all."""
        if level is TlsLevel.CLEAR or (wish.need is TlsLevel.CLEAR and not client.extensions.starttls):
            return IN_CLEAR
        if not client.extensions.starttls:
            reply = Reply(454, "4.7.4", "the server does not offer STARTTLS")
            raise TlsFailed(Stage.EHLO, reply, TlsFailure.STARTTLS_NOT_SUPPORTED)
        name = wish.tlsa.base if wish.tlsa is not None else server.host  # RFC 7672 8.1
        await client.start_tls(name, self._contexts.at(level))
        if level is TlsLevel.TLSA and not (wish.tlsa and wish.tlsa.vouches_for(client.peer_chain())):
            reply = Reply(454, "4.7.5", "the server's certificate is none that its TLSA records name")
            raise TlsFailed(Stage.EHLO, reply)
        return TlsAchieved(level, client.tls_version, client.tls_cipher, wish.trust(level))

    async def _open(self, server: MailServer, manners: Manners, origin: Origin) -> SmtpClient:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(manners.connect_seconds):
                _, client = await loop.create_connection(
                    lambda: SmtpClient(manners),
                    server.address,
                    server.port,
                    local_addr=(origin.source, 0) if origin.source else None,
                )
        except TimeoutError:
            raise HandshakeFailed(Stage.CONNECT, _unreachable("no answer in time")) from None
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL and origin.source:
                log.error("delivery.source_unusable", source=origin.source)
                raise SourceUnusable(Stage.CONNECT, INTERNAL_FAULT.reply) from error
            raise HandshakeFailed(Stage.CONNECT, _unreachable(_reason(error))) from error
        return client

    def _count(
        self, server: MailServer, demand: TlsDemand, wish: HostDemand, failure: TlsFailure | None
    ) -> None:
        """For the report to the domain that the connection was opened for."""
        if self._tally is not None and demand.domain:
            kind, policy = policy_applied(demand, wish)
            self._tally.add(demand.domain, kind, server.host, failure, policy)


def _levels(wish: HostDemand) -> list[TlsLevel]:
    """Those to try, best first."""
    return [level for level in reversed(TlsLevel) if wish.need <= level <= wish.aim]


def _unmet(error: TlsFailed, wish: HostDemand) -> TlsFailed:
    """The failure with whoever demands what failed."""
    text = f"TLS is required by {wish.because}, but {error.reply.text}"
    return TlsFailed(error.stage, replace(error.reply, text=text), error.failure)


def _answer(failure: HandshakeFailed, server: MailServer, origin: Origin, started: float) -> Answer:
    return Answer(
        failure.reply,
        failure.stage,
        remote_host=server.host,
        remote_address=server.address,
        source_address=origin.source or "",
        duration_ms=int((time.monotonic() - started) * 1000),
    )


def _most_hopeful(failures: list[Answer]) -> Answer:
    """One server that may take the mail later is reason to wait: only when all refused for good do we give up."""
    return next((answer for answer in failures if not answer.reply.permanent), failures[-1])


def _reason(error: OSError) -> str:
    """The system's words for it; the event loops have their own, which name no reason."""
    return os.strerror(error.errno).lower() if error.errno else str(error)


def _unreachable(reason: str) -> Reply:
    return Reply(451, "4.4.1", f"could not connect: {reason}")
