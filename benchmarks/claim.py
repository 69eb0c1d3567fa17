"""What a claim costs the database, by the length of the queue: `python -m benchmarks.claim [--rows 10000 1000000]`.

The same resellers and destinations, and ever more mail for each. A third of it can't be claimed: one in ten waits for its
next try, one in ten is held by another worker, and some lanes are excluded. The mail has no content: what a claim reads
of a reseller's own tables does not depend on the queue.
"""

import argparse
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from platform_core.database import db
from platform_core.ids import ResellerKey
from platform_core.migrations import upgrade_database
from platform_core.settings import Settings
from platform_dev.postgres import EmbeddedPostgres
from platform_dev.signals import end_by_interrupt
from platform_web.headless import headless_context
from relay_worker.queue.postgres import INLINE_BYTES, PER_LANE, PER_RESELLER
from tenants.models import HostPurpose
from tenants.resellers.services import NewReseller, create_reseller

RESELLERS = 20
LANES = 40  # of each reseller
EXCLUDED = 5  # of those
CLAIMS = 20
LIMIT = 200  # recipients of one claim, as a worker asks for

Connection = psycopg.Connection[tuple[Any, ...]]

_FILL = """
INSERT INTO relay.due (message_id, n, reseller_id, account_id, lane, ready, lease, next_at, accepted_at)
SELECT uuidv7(), 0, r.ids[1 + g %% cardinality(r.ids)], 1, hashint4(g / cardinality(r.ids) %% %(lanes)s),
       kind > 1, CASE kind WHEN 1 THEN gen_random_uuid() END,
       now() + CASE WHEN kind > 1 THEN (g - %(rows)s) * interval '1 hour' / %(rows)s ELSE (1 + random()) * interval '1 day' END,
       now() - interval '1 day'
FROM (SELECT array_agg(id ORDER BY id) AS ids FROM platform.reseller) r,
     generate_series(1, %(rows)s) g, LATERAL (SELECT hashint4(g) & 1023 AS hashed) h,
     LATERAL (SELECT CASE WHEN hashed < 102 THEN 0 WHEN hashed < 205 THEN 1 ELSE 2 END AS kind) k
"""
_CLAIM = """
EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)
SELECT * FROM relay.claim(gen_random_uuid(), %s, 600, %s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one claim in the middle of many: pages of the database touched, and milliseconds of the server."""

    buffers: float
    milliseconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    end_by_interrupt()
    costs = {}
    with tempfile.TemporaryDirectory(prefix="frankpost-bench-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        with queue_of_its_own(Path(folder)) as connection:
            for rows in parser.parse_args().rows:
                costs[rows] = cost = cost_of_claims(connection, rows)
                print(
                    f"{rows:>9,} due: {cost.buffers:6.0f} pages, {cost.milliseconds:6.2f} ms a claim",
                    flush=True,
                )
    least, most = costs[min(costs)], costs[max(costs)]
    print(
        f"claim_pages_ratio={most.buffers / least.buffers:.2f} "
        f"claim_ms_ratio={most.milliseconds / least.milliseconds:.2f}"
    )


@contextmanager
def queue_of_its_own(folder: Path) -> Iterator[Connection]:
    """A fresh database with resellers, on a server of its own that forgets on a power cut."""
    with EmbeddedPostgres(folder / "postgres", durable=False) as server:
        settings = Settings(
            secret_key=secrets.token_urlsafe(48),  # type: ignore[arg-type]
            database_url=server.url(),  # type: ignore[arg-type]
            redis_url="redis://127.0.0.1:1/0",  # type: ignore[arg-type]
        )
        upgrade_database(settings)
        with headless_context(settings):
            _make_resellers()
        with psycopg.connect(server.url(), autocommit=True) as connection:
            yield connection


def cost_of_claims(connection: Connection, rows: int) -> Cost:
    """Fill the queue anew with so many rows, and claim from it again and again."""
    connection.execute("TRUNCATE relay.due")
    connection.execute(_FILL, {"rows": rows, "lanes": LANES})
    connection.execute("VACUUM (ANALYZE) relay.due")
    excluded = [
        lane
        for (lane,) in connection.execute(
            "SELECT DISTINCT lane FROM relay.due ORDER BY 1 LIMIT %s", (EXCLUDED,)
        )
    ]
    before = _ready(connection)
    costs = [_claim(connection, number, excluded) for number in range(CLAIMS)]
    if before - _ready(connection) != CLAIMS * LIMIT:
        raise RuntimeError("Some claims found less than they asked for: they are not comparable.")
    return Cost(median(cost.buffers for cost in costs), median(cost.milliseconds for cost in costs))


def _ready(connection: Connection) -> int:
    row = connection.execute("SELECT count(*) FROM relay.due WHERE ready").fetchone()
    return int(row[0]) if row else 0


def _claim(connection: Connection, number: int, excluded: Sequence[int]) -> Cost:
    """One claim, beginning at another reseller and lane each time, as a worker's do."""
    after, start = number % RESELLERS, (number * 0x9E3779B1) % 2**32 - 2**31
    arguments = (LIMIT, after, start, PER_RESELLER, PER_LANE, list(excluded), INLINE_BYTES)
    row = connection.execute(_CLAIM, arguments).fetchone()
    assert row
    [report] = row[0]
    pages = report["Plan"]["Shared Hit Blocks"] + report["Plan"]["Shared Read Blocks"]
    return Cost(pages, report["Execution Time"])


def _make_resellers() -> None:
    for number in range(RESELLERS):
        hosts = {purpose: f"{purpose.replace('_', '-')}.agency-{number}.example" for purpose in HostPurpose}
        key = ResellerKey(f"agency_{number}")
        create_reseller(
            db.session(),
            NewReseller(key, "Agency", f"owner@agency-{number}.example", hosts),
            actor="benchmark",
        )
        db.session.commit()


if __name__ == "__main__":
    main()
