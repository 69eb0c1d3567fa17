"""`make bench-latency`: the product sends to servers that are far away, under TLS, beside the same servers next door.

10 KB messages of 20 resellers to 10 servers; two workers, each with at most 10 connections to a server. A message takes
one round trip or two on a connection that is open: without connections side by side, 50 ms would allow twenty a second. The last line
is for programs.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.load import DESTINATIONS
from benchmarks.measure import Measured, measure, warm_up
from benchmarks.product import World, running_product
from platform_dev.ports import free_port
from platform_dev.signals import end_by_interrupt

RESELLERS = 20
CONNECTIONS = 100
SERVERS = 10
ROUND_TRIP_MS = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=8000, help="of each case")
    parser.add_argument("--round-trip", type=int, default=ROUND_TRIP_MS, help="milliseconds")
    options = parser.parse_args()
    end_by_interrupt()
    near, far = (_measured(milliseconds, options.messages) for milliseconds in (0, options.round_trip))
    print(
        f"latency_rate_ratio={far.delivered_per_s / near.delivered_per_s:.2f} "
        f"latency_cpu_ratio={far.cpu_ms_per_message / near.cpu_ms_per_message:.2f} "
        f"far_cpu_ms_per_message={far.cpu_ms_per_message:.3f} far_delivered_per_s={far.delivered_per_s:.0f}"
    )


def far_world(milliseconds: int) -> World:
    """Ten servers with addresses of their own, each for some of the domains that the clients write to."""
    port = free_port()
    addresses = [f"127.0.0.{10 + number}" for number in range(SERVERS)]
    routes = (f"domain-{n}.example={addresses[n % SERVERS]}:{port}" for n in range(DESTINATIONS))
    command = (sys.executable, "-m", "benchmarks.far_sink", str(port), str(milliseconds), *addresses)
    return World(command, port, ",".join(routes))


def _measured(milliseconds: int, messages: int) -> Measured:
    with tempfile.TemporaryDirectory(prefix="frankpost-bench-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        with running_product(Path(folder), RESELLERS, far_world(milliseconds)) as product:
            warm_up(product, CONNECTIONS)
            found = measure(product, CONNECTIONS, messages)
    parts = ", ".join(f"{name} {value:.3f}" for name, value in found.cpu_ms.items())
    print(f"round trip {milliseconds} ms: delivered {found.delivered_per_s:.0f} /s")
    print(f"  CPU ms a message {found.cpu_ms_per_message:.3f}: {parts}", flush=True)
    return found


if __name__ == "__main__":
    main()
