"""What a claim costs must not grow with the queue: measured in pages touched, which no load of the machine changes."""

from pathlib import Path

from benchmarks.claim import cost_of_claims, queue_of_its_own


def test_a_claim_touches_as_few_pages_in_a_million_as_in_ten_thousand(server_folder: Path) -> None:
    with queue_of_its_own(server_folder / "claim") as connection:
        short = cost_of_claims(connection, 10_000)
        long = cost_of_claims(connection, 1_000_000)
    assert 0 < long.buffers <= 1.2 * short.buffers
