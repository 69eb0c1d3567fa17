"""Lists of addresses as files: `address[,reason]` a line, read whole or refused with the numbers of the bad lines."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from platform_core.errors import InvalidInput
from platform_core.mail.addresses import AddressSyntax, parse_address
from platform_core.mail.states import SuppressionReason
from relay_worker.models import Suppression

MAX_BYTES = 10 * 1024 * 1024
MAX_NAMED = 20  # bad lines that a refusal names
HEADING = ("address", "reason", "origin", "created_at")

# What a spreadsheet would take for a formula. An apostrophe in front makes it text; one that stood there gets another.
_FORMULA = re.compile(r"'*[=+@\t\r-]")
_ADDRESS_HEADINGS = frozenset({"address", "email", "e-mail", "email address", "e-mail address", "recipient"})


@dataclass(frozen=True, slots=True)
class Line:
    """One address of a list, folded, and why it is on it."""

    address: str
    reason: SuppressionReason


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that can't be taken: its number from 1, and why."""

    number: int
    why: str

    def __str__(self) -> str:
        return f"line {self.number}: {self.why}"


class BadLines(InvalidInput):
    """A list has lines that can't be taken; nothing of it was."""

    def __init__(self, bad: tuple[BadLine, ...]) -> None:
        named = "; ".join(map(str, bad[:MAX_NAMED]))
        more = f"; and {len(bad) - MAX_NAMED} more" if len(bad) > MAX_NAMED else ""
        super().__init__("file", f"Nothing was imported. {named[:1].upper()}{named[1:]}{more}.")
        self.bad = bad


def read_list(raw: bytes, *, skip_bad: bool = False) -> tuple[list[Line], tuple[BadLine, ...]]:
    """The lines of a list and those that can't be taken. `raw`: CSV in UTF-8, with or without a heading.

    Raises BadLines unless those are to be skipped, and InvalidInput for what is no such list at all.
    """
    lines: list[Line] = []
    bad: list[BadLine] = []
    for number, fields in _fields(_text(raw)):
        try:
            lines.append(_line(fields))
        except InvalidInput as error:
            bad.append(BadLine(number, str(error)))
    if bad and not skip_bad:
        raise BadLines(tuple(bad))
    if not lines:
        raise InvalidInput("file", "There is no address in this file.")
    return lines, tuple(bad)


def write_list(suppressions: Iterable[Suppression]) -> Iterator[str]:
    """CSV with a heading, a line at a time; `read_list` reads it back. Times are UTC (ISO 8601)."""
    yield _written(HEADING)
    for one in suppressions:
        yield _written((_as_text(one.address), one.reason, _as_text(one.origin), one.created_at.isoformat()))


def _text(raw: bytes) -> str:
    if len(raw) > MAX_BYTES:
        raise InvalidInput("file", "A list may have at most 10 MB; please cut it into several.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("file", "The file is not text in UTF-8.") from error
    if "\0" in text:
        raise InvalidInput("file", "The file is not text in UTF-8.")
    return text


def _fields(text: str) -> Iterator[tuple[int, list[str]]]:
    """Number and fields of every line that is not empty, without the heading."""
    reader = csv.reader(io.StringIO(text), delimiter=_delimiter(text), strict=True)
    try:
        for at, row in enumerate(reader):
            fields = [field.strip() for field in row]
            if any(fields) and not (at == 0 and fields[0].lower() in _ADDRESS_HEADINGS):
                yield reader.line_num, fields
    except csv.Error as error:
        raise InvalidInput("file", f"Line {reader.line_num} is not CSV: {error}.") from error


def _delimiter(text: str) -> str:
    """A semicolon where spreadsheets of some countries write one."""
    first = text.partition("\n")[0]
    return ";" if ";" in first and "," not in first else ","


def _line(fields: list[str]) -> Line:
    try:
        address = parse_address(_as_meant(fields[0])).folded
    except AddressSyntax as error:
        raise InvalidInput("address", f"{fields[0][:60]!r} is not an address") from error
    reason = (fields[1] if len(fields) > 1 else "").lower() or SuppressionReason.MANUAL
    if reason not in set(SuppressionReason):
        known = ", ".join(SuppressionReason)
        raise InvalidInput("reason", f"{reason[:60]!r} is none of the reasons {known}")
    return Line(address, SuppressionReason(reason))


def _as_text(field: str) -> str:
    """`field` so that no spreadsheet computes it: whose address bounces or complains may have chosen it for that."""
    return f"'{field}" if _FORMULA.match(field) else field


def _as_meant(field: str) -> str:
    """Without the apostrophe that `_as_text` has put in front."""
    return field[1:] if field.startswith("'") and _FORMULA.match(field) else field


def _written(fields: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(fields)
    return buffer.getvalue()
