"""The whole product as processes of their own, on durable servers of their own, with a world of mail around it."""

import contextlib
import io
import os
import signal
import smtplib
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import psutil
import psycopg
import redis

from billing.ledger.services import grant_credits
from platform_core.clock import SystemClock
from platform_core.database import ResellerRef, db, tenant_session
from platform_core.ids import ResellerKey
from platform_core.migrations import upgrade_database
from platform_core.security import Seal, SecretVerifier
from platform_core.settings import Settings
from platform_dev.manager import Command, ProcessManager
from platform_dev.nameserver import Nameserver
from platform_dev.ports import free_port
from platform_dev.postgres import EmbeddedPostgres
from platform_dev.redis import EmbeddedRedis
from platform_web.headless import headless_context
from tenants.accounts.queries import main_account
from tenants.domains.services import add_domain
from tenants.models import DomainState, HostPurpose
from tenants.resellers.services import NewReseller, create_reseller
from tenants.smtp_accounts.services import IssuedSecret, create_smtp_account
from tests.end_to_end.sink import CountingSink

FRANKPOST = Path(sys.executable).with_name("frankpost")
CREDITS = 10_000_000
WORKERS = ("worker-1", "worker-2")
PATIENCE = 60.0


class Product:
    """One agency with one login, sending to a sink. A context manager; use it from one thread, which must live on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = io.StringIO()
        self.domain = "shop.example"
        self.mail_from = "hello@shop.example"
        self.port, self.tls_port = free_port(), free_port()
        self.watched_at = {name: free_port() for name in ("relay", "worker", "jobs", "cron")}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with self._stack:
            enter = self._stack.enter_context
            self.postgres = enter(EmbeddedPostgres(self.folder / "postgres"))
            self.redis = enter(EmbeddedRedis(self.folder / "redis"))
            self.nameserver = enter(Nameserver())
            self.sink = enter(CountingSink())
            self.manager = enter(ProcessManager(output=self.output))
            self.environment = self._environment()
            self._set_up()
            self.start()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _environment(self) -> dict[str, str]:
        return {
            "DATABASE_URL": self.postgres.url(),
            "REDIS_URL": self.redis.url(),
            "FRANKPOST_VAR_DIR": str(self.folder),
            "FRANKPOST_SECRET_KEY": "a-secret-key-for-tests-that-opens-nothing",
            "FRANKPOST_LOG_LEVEL": "info",
            "FRANKPOST_RELAY_BIND": "127.0.0.1",
            "FRANKPOST_RELAY_STARTTLS_PORTS": str(self.port),
            "FRANKPOST_RELAY_TLS_PORTS": str(self.tls_port),
            "FRANKPOST_INBOUND_PORTS": str(self.port),
            "FRANKPOST_RELAY_ALLOW_PLAINTEXT_LOOPBACK_AUTH": "true",
            "FRANKPOST_RELAY_DRAIN_SECONDS": "5",
            "FRANKPOST_NAMESERVERS": self.nameserver.address,
            "FRANKPOST_DELIVERY_ROUTES": f"*=127.0.0.1:{self.sink.port}",
            "FRANKPOST_DELIVERY_ALLOW_PRIVATE_ADDRESSES": "true",
            # So that what a killed worker held is soon tried again.
            "FRANKPOST_DELIVERY_LEASE_SECONDS": "3",
            # So that a worker soon sees what became of Redis.
            "FRANKPOST_DELIVERY_DRAIN_SECONDS": "2",
            **{f"FRANKPOST_METRICS_{name.upper()}_PORT": str(port) for name, port in self.watched_at.items()},
        }

    # --- processes ---

    def start(self) -> None:
        """All of them, as they run in production."""
        names = {"relay": "relay", **dict.fromkeys(WORKERS, "worker"), "jobs": "jobs", "cron": "cron"}
        for name, verb in names.items():
            self.manager.start(Command(name, (FRANKPOST, verb), self.environment, restarts=True))
        self.until(self.answers, "the relay listens")

    def look(self) -> None:
        """Start again what has ended, as a supervisor does."""
        self.manager.look()

    def kill(self, *names: str) -> None:
        """SIGKILL."""
        for name in names:
            os.kill(self.manager.pid(name), signal.SIGKILL)

    def terminate(self, *names: str, seconds: float = 30) -> list[int]:
        """SIGTERM to all at once; their exit statuses. Raises psutil.TimeoutExpired when one takes longer."""
        processes = [psutil.Process(self.manager.pid(name)) for name in names]
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + seconds
        return [process.wait(max(0.1, deadline - time.monotonic())) for process in processes]

    def words_of(self, name: str) -> list[str]:
        """Everything a process has said."""
        lines = self.output.getvalue().splitlines()
        return [line.partition("| ")[2] for line in lines if line.startswith(name)]

    def restarts_of(self, name: str) -> int:
        """How often a process has been started again."""
        return sum(line.startswith(f"{name} ended") for line in self.words_of("manager"))

    def until(self, true: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        """Look until it is true."""
        deadline = time.monotonic() + seconds
        while not true():
            self.look()
            assert time.monotonic() < deadline, f"not so: {what}\n{self.output.getvalue()[-4000:]}"
            time.sleep(0.02)

    def answers(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    # --- mail ---

    @contextlib.contextmanager
    def client(self, *, tls: bool = False) -> Iterator[smtplib.SMTP]:
        """Connected and logged in; `tls` by STARTTLS, which costs both sides a hundred times what a message does."""
        client = smtplib.SMTP("127.0.0.1", self.port, local_hostname="app.shop.example", timeout=40)
        try:
            if tls:
                client.starttls(context=any_certificate())
            client.login(self.login.smtp_account.user_name, self.login.secret)
            yield client
            client.quit()
        finally:
            client.close()

    def until_arrived(self, message_ids: set[str], seconds: float = PATIENCE) -> None:
        """Until the world has each of these."""
        self.until(lambda: message_ids <= self.sink.counts.keys(), "all has arrived", seconds)

    def until_recorded(self) -> None:
        """Until nothing is due any more, everything is told, and nothing is allotted: the accounts are quiet by then."""
        self.until(lambda: self.value("SELECT count(*) FROM relay.due") == 0, "the queue is empty")
        self.until(lambda: self.value("SELECT count(*) FROM relay.result_log") == 0, "all results are posted")
        nothing_open = "SELECT count(*) FROM relay.allotment WHERE size > 0"
        self.until(lambda: self.value(nothing_open) == 0, "what was allotted is back in the books")

    # --- the books ---

    def value(self, query: str) -> Any:
        """The one value of a query in the agency's schema."""
        with psycopg.connect(self.postgres.url(), options="-c search_path=r_agency") as connection:
            row = connection.execute(query.encode()).fetchone()
            assert row
            return row[0]

    def flush_redis(self) -> None:
        with redis.Redis.from_url(self.redis.url()) as client:
            client.flushall()

    # --- what is there from the start ---

    def _set_up(self) -> None:
        found = Settings(
            secret_key=self.environment["FRANKPOST_SECRET_KEY"],  # type: ignore[arg-type]
            database_url=self.postgres.url(),  # type: ignore[arg-type]
            redis_url=self.redis.url(),  # type: ignore[arg-type]
        )
        upgrade_database(found)
        with headless_context(found):
            hosts = {purpose: f"{purpose.replace('_', '-')}.agency.example" for purpose in HostPurpose}
            new = NewReseller(ResellerKey("agency"), "Agency", "owner@agency.example", hosts)
            reseller = create_reseller(db.session(), new, actor="tests").reseller
            db.session.commit()
            self.login = self._furnish(reseller, found)

    def _furnish(self, reseller: ResellerRef, found: Settings) -> IssuedSecret:
        secret_key = found.secret_key.get_secret_value()
        with tenant_session(reseller) as session:
            account = main_account(session)
            grant_credits(session, account, CREDITS, clock=SystemClock())
            domain = add_domain(session, account.id, self.domain, seal=Seal(secret_key))
            domain.state = DomainState.VERIFIED
            login = create_smtp_account(session, account.id, "Shop", verifier=SecretVerifier(secret_key))
            session.commit()
        return login


def any_certificate() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
