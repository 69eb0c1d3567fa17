"""`make bench`: the whole way of a message, measured. 10 KB, rsa-2048, credits and caps on, a sink that takes all.

CPU counts relay, workers, jobs, cron, Postgres and Redis together, not the clients and not the sink. What a signature
costs at the time is told beside it, for machines differ, and from hour to hour. The last line is for programs and
belongs to 100 connections of 200 resellers.
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks.measure import Measured, measure, warm_up
from benchmarks.product import running_product
from benchmarks.yardstick import signature_ms
from platform_dev.signals import end_by_interrupt

CASES = ((1, 100), (1, 20), (200, 20), (200, 100))  # resellers, connections


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=8000, help="of each case")
    parser.add_argument("--case", type=int, nargs=2, action="append", metavar=("RESELLERS", "CONNECTIONS"))
    options = parser.parse_args()
    end_by_interrupt()
    measured = None
    for resellers, connections in options.case or CASES:
        with tempfile.TemporaryDirectory(prefix="frankpost-bench-", dir="/tmp") as folder:
            Path(folder).chmod(0o755)
            with running_product(Path(folder), resellers) as product:
                warm_up(product, connections)
                before = signature_ms()
                measured = measure(product, connections, options.messages)
                signature = (before + signature_ms()) / 2
        _show(resellers, connections, measured, signature)
    assert measured
    print(
        f"cpu_ms_per_message={measured.cpu_ms_per_message:.3f} delivered_per_s={measured.delivered_per_s:.0f} "
        f"accept_p99_ms={measured.p99_ms:.1f}"
    )


def _show(resellers: int, connections: int, measured: Measured, signature: float) -> None:
    print(f"{resellers} resellers, {connections} connections")
    print(
        f"  accepted {measured.accepted_per_s:7.0f} /s   DATA to 250: p50 {measured.p50_ms:.1f} ms, p99 {measured.p99_ms:.1f} ms"
    )
    print(f"  delivered {measured.delivered_per_s:6.0f} /s")
    parts = ", ".join(f"{name} {value:.3f}" for name, value in measured.cpu_ms.items())
    print(f"  CPU ms a message {measured.cpu_ms_per_message:.3f}: {parts}")
    print(
        f"  as much as {measured.cpu_ms_per_message / signature:.1f} signatures, each {signature:.3f} ms at that time",
        flush=True,
    )


if __name__ == "__main__":
    main()
