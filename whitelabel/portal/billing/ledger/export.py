"""The ledger as CSV."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import replace

from sqlalchemy.orm import Session

from billing.ledger.queries import Entry, Wanted, entries_of
from platform_core.ids import AccountId

_HEADING = ("id", "time", "kind", "credits", "lot", "note")
_AT_ONCE = 1000
# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def written_entries(session: Session, account_id: AccountId, wanted: Wanted) -> Iterator[str]:
    """CSV with a heading, newest first, read batch by batch. Times are UTC (ISO 8601)."""
    yield _written(_HEADING)
    while lines := entries_of(session, account_id, limit=_AT_ONCE, wanted=wanted):
        yield "".join(_written(_fields(line)) for line in lines)
        wanted = replace(wanted, before=lines[-1].id)


def _fields(line: Entry) -> tuple[object, ...]:
    note = f"'{line.note}" if line.note.startswith(_FORMULA) else line.note
    return (line.id, line.at.isoformat(), line.kind.value, line.credits, line.lot_id, note)


def _written(fields: Iterable[object]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(fields)
    return buffer.getvalue()
