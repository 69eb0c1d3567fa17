"""The product as it is measured: real servers, durable; relay, two workers, jobs and cron as processes of their own."""

import math
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy.orm import Session

from billing.ledger.services import grant_credits
from platform_core.clock import SystemClock
from platform_core.database import db, tenant_session
from platform_core.ids import ResellerKey
from platform_core.migrations import upgrade_database
from platform_core.security import Seal, SecretVerifier
from platform_core.settings import settings
from platform_dev.ports import free_port
from platform_dev.server import bound_to_us
from platform_dev.servers import Servers, running_servers
from platform_web.headless import headless_context
from relay_worker.queue.partition_jobs import make_partitions, missing_partitions
from tenants.accounts.queries import main_account
from tenants.domains.keys import GeneratedKey, generate_key
from tenants.models import DkimKey, Domain, DomainState, HostPurpose, KeyState
from tenants.resellers.services import NewReseller, create_reseller
from tenants.smtp_accounts.services import create_smtp_account

_FRANKPOST = Path(sys.executable).with_name("frankpost")
_PROCESSES = {"relay": ["relay"], "workers": ["worker", "worker"], "jobs and cron": ["jobs", "cron"]}


@dataclass(frozen=True, slots=True)
class Login:
    """Who sends: an SMTP login and an address of its verified domain."""

    user_name: str
    secret: str
    mail_from: str


@dataclass(frozen=True, slots=True)
class Product:
    """A running product: the relay's port, the sink's, the logins of its resellers, and the processes by what they are."""

    port: int
    sink_port: int
    logins: tuple[Login, ...]
    trees: dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class World:
    """Where the mail goes: the servers' process, the port on which it answers `COUNT`, and the routes to it."""

    command: tuple[str, ...]
    port: int
    routes: str


def near_world() -> World:
    """One server that takes all at once, in clear."""
    port = free_port()
    return World((sys.executable, "-m", "benchmarks.sink", str(port)), port, f"*=127.0.0.1:{port}")


@contextmanager
def running_product(folder: Path, resellers: int, world: World | None = None) -> Iterator[Product]:
    """Everything up, with that many resellers who each have a verified domain, a login and credits; all ended after."""
    port, world = free_port(), world or near_world()
    with ExitStack() as stack:
        servers = stack.enter_context(running_servers(folder, {}))
        os.environ.update(_environment(folder, servers, port, world))
        settings.cache_clear()
        upgrade_database(settings())
        logins = _make_resellers(resellers)
        _settle(servers.database_url)
        stack.enter_context(_process(world.command))
        trees = {
            name: [stack.enter_context(_process((str(_FRANKPOST), verb))) for verb in verbs]
            for name, verbs in _PROCESSES.items()
        }
        postgres, redis = (server.pid for server in servers.embedded)
        assert postgres and redis
        _wait_for(port)
        yield Product(port, world.port, logins, trees | {"postgres": [postgres], "redis": [redis]})


def _environment(folder: Path, servers: Servers, port: int, world: World) -> dict[str, str]:
    return servers.environment | {
        "FRANKPOST_VAR_DIR": str(folder),
        "FRANKPOST_SECRET_KEY": secrets.token_urlsafe(48),
        "FRANKPOST_LOG_LEVEL": "warning",
        "FRANKPOST_RELAY_BIND": "127.0.0.1",
        "FRANKPOST_RELAY_STARTTLS_PORTS": str(port),
        "FRANKPOST_RELAY_TLS_PORTS": "",
        "FRANKPOST_RELAY_ALLOW_PLAINTEXT_LOOPBACK_AUTH": "true",
        "FRANKPOST_RELAY_MAX_CONNECTIONS_PER_ADDRESS": "10000",
        "FRANKPOST_RELAY_MAX_CONNECTIONS_PER_ACCOUNT": "10000",
        "FRANKPOST_DELIVERY_ROUTES": world.routes,
        "FRANKPOST_DELIVERY_ALLOW_PRIVATE_ADDRESSES": "true",
    }


def _make_resellers(count: int) -> tuple[Login, ...]:
    """One DKIM key serves all: making 200 would take longer than the measurement, and signing costs the same."""
    with headless_context(settings()):
        key = generate_key(Seal(settings().secret_key.get_secret_value()))
        logins = tuple(_make_reseller(number, key) for number in range(count))
        with Session(db.engine) as session:
            missing = missing_partitions(session)
        # Else the upkeep would make them while we measure.
        make_partitions(missing, seconds=math.inf, clock=SystemClock())
    return logins


def _make_reseller(number: int, key: GeneratedKey) -> Login:
    clock, domain = SystemClock(), f"customer-{number}.example"
    verifier = SecretVerifier(settings().secret_key.get_secret_value())
    hosts = {
        HostPurpose.SMTP: f"smtp.agency-{number}.example",
        HostPurpose.RETURN_PATH: f"rp.agency-{number}.example",
    }
    new = NewReseller(ResellerKey(f"agency_{number}"), f"Agency {number}", f"owner@{domain}", hosts)
    reseller = create_reseller(db.session(), new, actor="benchmark").reseller
    db.session.commit()
    with tenant_session(reseller) as session:
        account = main_account(session)
        account.monthly_cap = 100_000_000
        verified = Domain(account_id=account.id, name=domain, state=DomainState.VERIFIED)
        verified.keys = [
            DkimKey(
                selector="s1", state=KeyState.ACTIVE, public_key=key.public_key, sealed_key=key.sealed_key
            )
        ]
        session.add(verified)
        grant_credits(session, account, 10_000_000, clock=clock)
        issued = create_smtp_account(session, account.id, "benchmark", verifier=verifier)
        session.commit()
    return Login(issued.smtp_account.user_name, issued.secret, f"news@{domain}")


def _settle(database_url: str) -> None:
    """Tidy up after making so many schemas at once, as a database that runs for a while has done: else autovacuum would
    do it while we measure.
    """
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


@contextmanager
def _process(command: Sequence[str]) -> Iterator[int]:
    process = subprocess.Popen([*bound_to_us(signal.SIGTERM, give_up_root=False), *command])
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"Nothing listens on port {port}.")
