"""Certificates good and bad, an HTTPS server of policies, and a book in memory."""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import pytest

from platform_core.clock import StoppedClock
from platform_core.errors import Unavailable
from platform_dev.authority import IssuedCertificate, LocalAuthority
from platform_dev.nameserver import Nameserver
from platform_dev.zone import Records
from relay_worker.queue.tls_book import KeptPolicy, TlsCount

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
POLICY = "version: STSv1\r\nmode: enforce\r\nmx: mx.shop.test\r\nmax_age: 604800\r\n"


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> LocalAuthority:
    """Whom the tests trust."""
    return LocalAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> LocalAuthority:
    """Whom nobody trusts."""
    return LocalAuthority(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="session")
def expired(tmp_path_factory: pytest.TempPathFactory) -> IssuedCertificate:
    """For shop.test's two hosts, by an authority that is still good (`expired_authority`), over since some days."""
    long_ago = StoppedClock(datetime.now(UTC) - timedelta(days=400))
    return LocalAuthority(_expired_folder(tmp_path_factory), long_ago).issue(
        "mx.shop.test", "mta-sts.shop.test"
    )


@pytest.fixture(scope="session")
def expired_authority(tmp_path_factory: pytest.TempPathFactory, expired: IssuedCertificate) -> Path:
    return _expired_folder(tmp_path_factory) / "authority.crt"


def _expired_folder(factory: pytest.TempPathFactory) -> Path:
    return factory.getbasetemp() / "expired-authority"


ServerContext = Callable[[IssuedCertificate], ssl.SSLContext]


@pytest.fixture
def server_context(tmp_path: Path) -> ServerContext:
    """The server's side of TLS with a certificate."""

    def make(issued: IssuedCertificate) -> ssl.SSLContext:
        file = tmp_path / "server.pem"
        file.write_bytes(issued.chain + issued.key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    return make


@pytest.fixture
def nameserver() -> Iterator[Nameserver]:
    with Nameserver(Records({})) as server:
        yield server


def http(body: str | bytes, status: str = "200 OK", kind: str = "text/plain", more: str = "") -> bytes:
    """A whole HTTP response."""
    content = body.encode() if isinstance(body, str) else body
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n{more}\r\n"
    return head.encode() + content


class PolicyServer:
    """`async with PolicyServer(tls, response) as server`: says `response` to every request, after `delay` seconds."""

    def __init__(self, tls: ssl.SSLContext, response: bytes, *, delay: float = 0) -> None:
        self.response = response
        self.requests: list[str] = []
        self._tls = tls
        self._delay = delay
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
            await asyncio.sleep(self._delay)
            writer.write(self.response)
            await writer.drain()
            writer.close()
        self._tasks.discard(task)


@dataclass
class InMemoryBook:
    """The book without a database; `down` makes every call fail."""

    kept: dict[str, KeptPolicy] = field(default_factory=dict)
    counts: list[TlsCount] = field(default_factory=list)
    down: bool = False

    async def policies(self, since: datetime) -> list[KeptPolicy]:
        self._answer()
        return [policy for policy in self.kept.values() if policy.fetched_at >= since]

    async def keep(self, policy: KeptPolicy) -> None:
        self._answer()
        self.kept[policy.domain] = policy

    async def count(self, counts: Sequence[TlsCount]) -> None:
        self._answer()
        self.counts += counts

    def _answer(self) -> None:
        if self.down:
            raise Unavailable("The database is away.")

    def sessions(self) -> dict[tuple[str, str, str, str], int]:
        """By domain, type of policy, mail server and result."""
        return {
            (count.domain, count.policy_type, count.mx_host, count.result): count.sessions
            for count in self.counts
        }


@pytest.fixture
def book() -> InMemoryBook:
    return InMemoryBook()


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock(NOON)
