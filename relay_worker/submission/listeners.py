"""The relay process: its ports, who is let in, and how it stops."""

import asyncio
import contextlib
import ipaddress
import signal
import socket
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import structlog
from redis.asyncio import Redis

from platform_core.clock import Clock, SystemClock
from platform_core.errors import ServerUnreachable, Unavailable
from platform_core.mail.replies import Reply
from platform_core.security import Seal, SecretVerifier
from platform_core.settings import Settings
from relay_worker.inbound.door import Intake
from relay_worker.inbound.reception import Reception
from relay_worker.queue.door import Door
from relay_worker.submission import replies
from relay_worker.submission.auth import Logins
from relay_worker.submission.batcher import Batcher, Ring
from relay_worker.submission.channel import HANDSHAKE_SECONDS
from relay_worker.submission.guesses import GuessLimit
from relay_worker.submission.limits import ConnectionLimit, Memory, Seat
from relay_worker.submission.proxy import ProxyHeaderInvalid, read_proxy_header
from relay_worker.submission.replies import wire
from relay_worker.submission.services import Services
from relay_worker.submission.session import SmtpSession
from relay_worker.submission.shared import SharedMemory, client_key
from relay_worker.submission.tls import Certificates, default_certificate
from relay_worker.submission.watch import watch_for_ever

BACKLOG = 1024
PROXY_SECONDS = 5.0  # for the header, which a load balancer sends at once
LAST_WORDS = 1.0  # seconds for last replies, and for TLS to close
_REST_AFTER_ACCEPT_FAULT = 0.5  # seconds; out of file descriptors, usually

log = structlog.get_logger()


async def run_relay(
    settings: Settings,
    door: Door,
    *,
    redis: Redis | None,
    ring: Ring,
    clock: Clock | None = None,
    intake: Intake | None = None,
    watch: "Callable[[Relay], AbstractContextManager[object]]" = nullcontext,
) -> None:
    """Serve until SIGTERM or SIGINT, then stop in good order. Raises ServerUnreachable when a port can't be had.

    `redis`: where limits are shared; `ring`: called after a commit with accepted messages in it; `intake`: for mail that
    comes back, which without it is not taken; `watch` is entered while the relay runs.
    """
    relay = Relay(settings, door, redis=redis, ring=ring, clock=clock or SystemClock(), intake=intake)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await relay.start()
    with watch(relay):
        await stop.wait()
        await relay.stop()


@dataclass(frozen=True, slots=True)
class Entrance:
    """What kind of port a client came in by. `tls`: from the first byte; `inbound`: mail that comes back may come here."""

    tls: bool
    inbound: bool = False


class Relay:
    """The listening sockets of one process and everything its sessions share."""

    def __init__(
        self,
        settings: Settings,
        door: Door,
        *,
        redis: Redis | None,
        ring: Ring,
        clock: Clock,
        intake: Intake | None = None,
    ) -> None:
        self._settings = settings
        self._proxies = [ipaddress.ip_network(text) for text in settings.relay_proxy_protocol_from]
        shared = SharedMemory(redis)
        self._services = _services(settings, door, shared, ring, clock)
        if intake is not None:
            self._services.reception = Reception.from_settings(settings, intake, shared)
        self._listening: list[socket.socket] = []
        self._admitting: set[asyncio.Task[None]] = set()
        self._chores: list[asyncio.Task[None]] = []
        self.starttls_ports: tuple[int, ...] = ()
        self.tls_ports: tuple[int, ...] = ()

    @property
    def accepting(self) -> bool:
        """True while it listens and is not about to stop."""
        return bool(self._listening) and not self._services.stopping

    @property
    def open_sessions(self) -> int:
        return len(self._services.sessions)

    @property
    def rejected_logins(self) -> int:
        """Logins with a wrong name or secret since the start."""
        return self._services.logins.rejected

    async def start(self) -> None:
        """Listen. The ports really bound (settings may say 0) are then in `starttls_ports` and `tls_ports`."""
        try:
            await self._services.certificates.refresh()
        except Unavailable as error:
            log.warning("relay.hostnames_unknown", error=str(error))
        self.starttls_ports = tuple(
            self._listen(port, self._entrance(port)) for port in self._settings.relay_starttls_ports
        )
        self.tls_ports = tuple(
            self._listen(port, Entrance(tls=True)) for port in self._settings.relay_tls_ports
        )
        self._do(watch_for_ever(self._services))
        self._do(self._services.certificates.refresh_for_ever())
        self._do(self._services.connections.renew_for_ever())
        log.info("relay.listening", starttls_ports=self.starttls_ports, tls_ports=self.tls_ports)

    async def stop(self) -> None:
        """Close the ports, let transactions end within the drain time, then end every session.

        What the batcher holds is committed in any case, and its clients get their 250.
        """
        self._services.stopping = True
        await self._stop_chores()
        for sock in self._listening:
            sock.close()
        for session in list(self._services.sessions):
            session.dismiss()
        await self._sessions_over(self._settings.relay_drain_seconds)
        await self._services.batcher.close()
        if self._services.reception is not None:
            await self._services.reception.close()
        await self._end_sessions()
        await self._services.connections.close()
        log.info("relay.stopped")

    async def _sessions_over(self, patience: float) -> None:
        """Wait until every session has ended, or for `patience` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while self._services.sessions or self._admitting:
                    await asyncio.sleep(0.02)

    async def _end_sessions(self) -> None:
        for task in self._admitting:
            task.cancel()
        for session in list(self._services.sessions):
            session.end_waiting(replies.GOING_DOWN)
        await self._sessions_over(LAST_WORDS)
        for session in list(self._services.sessions):
            session.drop()
        await self._sessions_over(LAST_WORDS)

    async def _stop_chores(self) -> None:
        for task in self._chores:
            task.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)

    def _do(self, chore: Coroutine[Any, Any, None]) -> None:
        self._chores.append(asyncio.get_running_loop().create_task(chore))

    # --- letting clients in ---

    def _entrance(self, port: int) -> Entrance:
        inbound = port in self._settings.inbound_ports and self._services.reception is not None
        return Entrance(tls=False, inbound=inbound)

    def _listen(self, port: int, entrance: Entrance) -> int:
        sock = _bind(self._settings.relay_bind, port)
        self._listening.append(sock)
        self._do(self._accept_for_ever(sock, entrance))
        return int(sock.getsockname()[1])

    async def _accept_for_ever(self, listening: socket.socket, entrance: Entrance) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, peer = await loop.sock_accept(listening)
            except OSError as error:
                log.error("relay.accept_failed", error=str(error))
                await asyncio.sleep(_REST_AFTER_ACCEPT_FAULT)
                continue
            task = loop.create_task(self._admit(sock, str(peer[0]), entrance))
            self._admitting.add(task)
            task.add_done_callback(self._admitting.discard)

    async def _admit(self, sock: socket.socket, peer: str, entrance: Entrance) -> None:
        """From a bare connection to a session: who is it, is there room, and TLS where it comes first."""
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client = await self._client_of(sock, peer)
            if len(self._services.sessions) + len(self._admitting) > self._settings.relay_max_connections:
                return _turn_away(sock, replies.SERVER_BUSY, tls=entrance.tls)
            seat = await self._services.connections.take(
                f"relay:address:{client_key(client)}", self._settings.relay_max_connections_per_address
            )
            if seat is None:
                return _turn_away(sock, replies.TOO_MANY_FROM_ADDRESS, tls=entrance.tls)
        except (OSError, TimeoutError, ProxyHeaderInvalid) as error:
            log.info("relay.connection_refused", peer=peer, error=type(error).__name__)
            return sock.close()
        return await self._begin(sock, client, seat, entrance)

    async def _client_of(self, sock: socket.socket, peer: str) -> str:
        """The client's address: the peer's own, or what a trusted load balancer says. Raises ProxyHeaderInvalid."""
        address = ipaddress.ip_address(peer.partition("%")[0])
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if not any(address in network for network in self._proxies):
            return str(address)
        async with asyncio.timeout(PROXY_SECONDS):
            return await read_proxy_header(sock) or str(address)

    async def _begin(self, sock: socket.socket, client: str, seat: Seat, entrance: Entrance) -> None:
        loop = asyncio.get_running_loop()
        session = SmtpSession(self._services, client, seat, inbound=entrance.inbound)
        try:
            await loop.connect_accepted_socket(
                lambda: session,
                sock,
                ssl=self._services.certificates.default if entrance.tls else None,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if entrance.tls else None,
            )
        except OSError as error:
            # No session began, so none will give the seat back.
            self._services.connections.give_back(seat)
            log.info("relay.handshake_failed", client=client, error=type(error).__name__)


def _services(settings: Settings, door: Door, shared: SharedMemory, ring: Ring, clock: Clock) -> Services:
    secret_key = settings.secret_key.get_secret_value()
    guesses = GuessLimit(
        shared,
        per_address=settings.relay_max_auth_failures_per_address,
        per_user=settings.relay_max_auth_failures_per_user,
    )
    default = default_certificate(
        settings.relay_neutral_host, settings.relay_certificate_file, settings.relay_key_file
    )
    return Services(
        settings=settings,
        clock=clock,
        door=door,
        certificates=Certificates(door, Seal(secret_key), settings.relay_neutral_host, default),
        logins=Logins(door, SecretVerifier(secret_key), guesses),
        connections=ConnectionLimit(shared),
        memory=Memory(settings.relay_memory_bytes),
        batcher=Batcher(
            door,
            ring,
            most_messages=settings.relay_batch_messages,
            most_bytes=settings.relay_batch_bytes,
            patience=settings.relay_database_seconds,
        ),
        sessions=set(),
    )


def _bind(address: str, port: int) -> socket.socket:
    """A listening socket that other relay processes may share. Raises ServerUnreachable with the port's number."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family is socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind((address, port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise ServerUnreachable(
            f"The relay can't listen on {address} port {port}: {error.strerror}."
        ) from error
    return sock


def _turn_away(sock: socket.socket, reply: Reply, *, tls: bool) -> None:
    """Close a connection that gets no session, with a word where a word can be heard."""
    with contextlib.suppress(OSError):
        if not tls:
            sock.send(wire(reply))
    sock.close()
