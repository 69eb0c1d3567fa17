"""The real bounces and complaints beside the project, which are not ours to copy into it."""

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3].parent / "shared" / "corpora"


@dataclass(frozen=True, slots=True)
class Row:
    """A line of an expected.csv with the mail it is about."""

    raw: bytes
    cells: dict[str, str]

    @property
    def held_out(self) -> bool:
        """A third of the mails, by their names: the rules were first written without a look at these."""
        return hashlib.sha256(self.cells["file"].encode()).digest()[0] % 3 == 0


def rows(kind: str) -> list[Row]:
    """`kind` is `bounces` or `complaints`. Skips the test where the folder is missing."""
    table = FOLDER / kind / "expected.csv"
    if not table.exists():
        pytest.skip(f"the corpora are not at {FOLDER}")
    with table.open(encoding="utf-8", newline="") as lines:
        return [
            Row((FOLDER / kind / "eml" / cells["file"]).read_bytes(), cells)
            for cells in csv.DictReader(lines)
        ]
