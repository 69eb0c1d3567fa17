"""One measurement of the running product: mail goes in at one end, and is counted at the other."""

import json
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

from benchmarks.cpu import cpu_seconds
from benchmarks.load import Order, Report
from benchmarks.product import Product

SESSION_MESSAGES = 40
# So much of every reseller that caches of connections, plans and keys are as in a relay that has run for a while: each
# connection plans the functions of each reseller for itself, and those that post meet a reseller once a second at most.
WARM_UP_MESSAGES = 60
LEAST_WARM_UP = 2000
_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Measured:
    """One case. CPU in milliseconds a message, by kind of process; rates in messages a second."""

    accepted_per_s: float
    delivered_per_s: float
    cpu_ms: dict[str, float]
    p50_ms: float
    p99_ms: float

    @property
    def cpu_ms_per_message(self) -> float:
        return sum(self.cpu_ms.values())


def warm_up(product: Product, connections: int) -> None:
    """Send enough for caches and plans to be as in a relay that has run for a while."""
    messages = max(LEAST_WARM_UP, WARM_UP_MESSAGES * len(product.logins))
    measure(product, connections, messages, session_messages=10)


def measure(
    product: Product, connections: int, messages: int, *, session_messages: int = SESSION_MESSAGES
) -> Measured:
    already = _delivered(product)
    before, started = cpu_seconds(product.trees), time.perf_counter()
    report = _send(product, connections, messages, session_messages)
    seconds = _wait_until_delivered(product, already + messages, started)
    after = cpu_seconds(product.trees)
    return Measured(
        accepted_per_s=messages / report.seconds,
        delivered_per_s=messages / seconds,
        cpu_ms={name: 1000 * (after[name] - before[name]) / messages for name in before},
        p50_ms=report.p50_ms,
        p99_ms=report.p99_ms,
    )


def _send(product: Product, connections: int, messages: int, session_messages: int) -> Report:
    logins = [(login.user_name, login.secret, login.mail_from) for login in product.logins]
    order = Order(product.port, connections, messages, session_messages, logins)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=json.dumps(asdict(order)).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    report = Report(**json.loads(done.stdout))
    if report.refused:
        raise SystemExit(f"{report.refused} replies were refusals; nothing was measured.")
    return report


def _wait_until_delivered(product: Product, total: int, started: float) -> float:
    """Seconds from `started` to the last message at the sink, to a twentieth of a second; then the results are recorded."""
    while (delivered := _delivered(product)) < total:
        if time.perf_counter() - started > _PATIENCE_SECONDS:
            raise SystemExit(f"Only {delivered} of {total} messages have arrived.")
        time.sleep(0.05)
    seconds = time.perf_counter() - started
    time.sleep(1.5)  # until the workers have recorded the last results and are idle
    return seconds


def _delivered(product: Product) -> int:
    with socket.create_connection(("127.0.0.1", product.sink_port)) as sink, sink.makefile("rwb") as lines:
        lines.readline()
        lines.write(b"COUNT\r\n")
        lines.flush()
        return int(lines.readline())
