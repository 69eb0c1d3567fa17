"""A real relay on a loop and a thread of its own, and a client that speaks to it octet by octet."""

import asyncio
import contextlib
import smtplib
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Coroutine, Iterator
from typing import Any

import uvloop

from platform_core.clock import SystemClock
from platform_core.settings import Settings
from relay_worker.submission.listeners import Relay
from tests.relay_worker.submission.fakes import SECRET, SECRET_KEY, FakeDoor

PATIENCE = 10.0  # seconds a test waits for a reply


def make_settings(**changes: object) -> Settings:
    """Settings of a relay on loopback, on ports the kernel chooses."""
    values: dict[str, Any] = {
        "secret_key": SECRET_KEY,
        "database_url": "postgresql://unused",
        "redis_url": "redis://unused",
        "relay_bind": "127.0.0.1",
        "relay_starttls_ports": (0,),
        "relay_tls_ports": (0,),
        "relay_neutral_host": "smtp.neutral.example",
        "relay_allow_plaintext_loopback_auth": True,
        "relay_drain_seconds": 5,
    }
    return Settings(**{**values, **changes})


class RunningRelay:
    """The relay under test. `rings` counts bells."""

    def __init__(self, settings: Settings, door: FakeDoor, redis: Any = None) -> None:
        self.settings = settings
        self.door = door
        self.rings = 0
        self._redis = redis
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._stopped = False

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    async def _ring(self) -> None:
        self.rings += 1

    def start(self) -> None:
        self._thread.start()
        self.run(self._start())

    async def _start(self) -> None:
        self.relay = Relay(self.settings, self.door, redis=self._redis, ring=self._ring, clock=SystemClock())
        await self.relay.start()

    def stop(self) -> None:
        if not self._stopped:
            self._stopped = True
            self.run(self.relay.stop())
            if self._redis is not None:
                self.run(self._redis.aclose())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._loop.close()

    @property
    def port(self) -> int:
        return self.relay.starttls_ports[0]

    @property
    def tls_port(self) -> int:
        return self.relay.tls_ports[0]

    @contextlib.contextmanager
    def smtplib(self) -> Iterator[smtplib.SMTP]:
        with smtplib.SMTP("127.0.0.1", self.port, timeout=PATIENCE) as client:
            yield client

    @contextlib.contextmanager
    def raw(self, *, before: bytes = b"", tls: str | None = None, port: int = 0) -> Iterator["RawClient"]:
        """A bare connection. `before`: sent first of all; `tls`: the name to ask for, on the port with TLS."""
        chosen = port or (self.port if tls is None else self.tls_port)
        sock = socket.create_connection(("127.0.0.1", chosen), timeout=PATIENCE)
        with contextlib.ExitStack() as stack:
            stack.callback(sock.close)
            sock.sendall(before)
            if tls is not None:
                sock = any_certificate().wrap_socket(sock, server_hostname=tls)
                stack.callback(sock.close)
            yield RawClient(sock)


def any_certificate() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class RawClient:
    """Sends exactly what it is told and reads reply by reply."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._received = b""

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def line(self) -> str:
        """The next line, without its end; "" when the server has closed."""
        while b"\r\n" not in self._received:
            try:
                data = self.sock.recv(65_536)
            except ConnectionResetError:
                data = b""
            if not data:
                return ""
            self._received += data
        line, _, self._received = self._received.partition(b"\r\n")
        return line.decode()

    def reply(self) -> str:
        """The next reply, its lines joined by a newline."""
        lines = [self.line()]
        while lines[-1][3:4] == "-":
            lines.append(self.line())
        return "\n".join(lines)

    def ask(self, command: bytes) -> str:
        self.send(command + b"\r\n")
        return self.reply()

    def greet(self) -> str:
        assert self.reply().startswith("220 ")
        return self.ask(b"EHLO client.example")

    def log_in(self, user: str = "anna", secret: str = SECRET) -> "RawClient":
        self.greet()
        assert self.auth(user, secret).startswith("235 ")
        return self

    def auth(self, user: str = "anna", secret: str = SECRET) -> str:
        return self.ask(b"AUTH PLAIN " + b64encode(f"\0{user}\0{secret}".encode()))

    def begin(self, sender: bytes = b"me@example.org", recipient: bytes = b"you@example.net") -> None:
        """MAIL, RCPT and DATA, all well."""
        assert self.ask(b"MAIL FROM:<%s>" % sender).startswith("250 ")
        assert self.ask(b"RCPT TO:<%s>" % recipient).startswith("250 ")
        assert self.ask(b"DATA").startswith("354 ")

    def deliver(self, message: bytes) -> str:
        self.begin()
        self.send(message)
        return self.reply()

    @property
    def closed(self) -> bool:
        """True when the server closes without another word."""
        return self.line() == ""
