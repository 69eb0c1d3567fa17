"""Opening a connection: the servers of a destination in order, until one greets us."""

import asyncio
import os
import random
import ssl
import time
from collections.abc import Callable

from platform_core.mail.replies import Reply
from relay_worker.delivery.client import HandshakeFailed, Manners, SmtpClient, TlsFailed
from relay_worker.delivery.conversation import Conversation
from relay_worker.delivery.destination import Destination, MailServer
from relay_worker.delivery.faults import RecentFaults
from relay_worker.delivery.transaction import Answer, Stage

MAX_SERVERS = (
    6  # RFC 5321 5.1 asks for at least two addresses; a dead destination must not hold us for an hour
)
TLS_FAULT_SECONDS = 3600.0
DEAD_SECONDS = 120.0


class NoServer(Exception):
    """None of the destination's servers took the connection; `answer` is what is said to its recipients."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.reply.line())
        self.answer = answer


class Connector:
    """Opens connections and remembers which servers were dead, and which could not do the TLS they offered."""

    def __init__(
        self,
        manners: Manners,
        *,
        verify_tls: bool,
        rng: random.Random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._manners = manners
        self._verify_tls = verify_tls
        self._rng = rng
        self._context = _tls_context(verify_tls)
        self._dead = RecentFaults(DEAD_SECONDS, clock)
        self._without_tls = RecentFaults(TLS_FAULT_SECONDS, clock)

    async def connect(self, destination: Destination) -> Conversation:
        """A greeted connection to the first server that takes one. Raises NoServer."""
        failures: list[Answer] = []
        for server in self._order(destination):
            started = time.monotonic()
            try:
                return await self._greeted(server)
            except HandshakeFailed as failure:
                self._dead.remember(server.address)
                elapsed = int((time.monotonic() - started) * 1000)
                failures.append(
                    Answer(
                        failure.reply,
                        failure.stage,
                        remote_host=server.host,
                        remote_address=server.address,
                        duration_ms=elapsed,
                    )
                )
        raise NoServer(_most_hopeful(failures))

    def _order(self, destination: Destination) -> list[MailServer]:
        """By preference, but the lately dead last: else each new connection would wait for them again."""
        servers = sorted(destination.in_order(self._rng), key=lambda server: server.address in self._dead)
        return servers[:MAX_SERVERS]

    async def _greeted(self, server: MailServer) -> Conversation:
        """Raises HandshakeFailed."""
        if server.host in self._without_tls:
            return await self._spoken_to(server, tls_failed=True)
        try:
            return await self._spoken_to(server, tls_failed=False)
        except TlsFailed:
            if self._verify_tls:
                raise
            # Opportunistic TLS (RFC 7435): a server whose TLS is broken gets its mail in clear, as without STARTTLS.
            self._without_tls.remember(server.host)
            return await self._spoken_to(server, tls_failed=True)

    async def _spoken_to(self, server: MailServer, *, tls_failed: bool) -> Conversation:
        client = await self._open(server)
        try:
            await client.greet()
            if client.extensions.starttls and not tls_failed:
                await client.start_tls(server.host, self._context)
        except BaseException:
            client.abort()
            raise
        return Conversation(client, self._manners, server.host, server.address, tls_failed=tls_failed)

    async def _open(self, server: MailServer) -> SmtpClient:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._manners.connect_seconds):
                _, client = await loop.create_connection(
                    lambda: SmtpClient(self._manners), server.address, server.port
                )
        except TimeoutError:
            raise HandshakeFailed(Stage.CONNECT, _unreachable("no answer in time")) from None
        except OSError as error:
            raise HandshakeFailed(Stage.CONNECT, _unreachable(_reason(error))) from error
        return client


def _most_hopeful(failures: list[Answer]) -> Answer:
    """One server that may take the mail later is reason to wait: only when all refused for good do we give up."""
    return next((answer for answer in failures if not answer.reply.permanent), failures[-1])


def _reason(error: OSError) -> str:
    """The system's words for it; the event loops have their own, which name no reason."""
    return os.strerror(error.errno).lower() if error.errno else str(error)


def _unreachable(reason: str) -> Reply:
    return Reply(451, "4.4.1", f"could not connect: {reason}")


def _tls_context(verify: bool) -> ssl.SSLContext:
    """Any certificate will do for opportunistic TLS (RFC 7435): the other choice is clear text."""
    if verify:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
