"""The ledger's list and its export."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue

from billing.ledger.models import EntryKind
from billing.ledger.queries import Wanted, entries_of
from whitelabel.portal.billing.ledger.export import written_entries
from whitelabel.portal.billing.words import ENTRY_WORDS
from whitelabel.portal.door import account, rows
from whitelabel.site.requests import wants_part

pages = Blueprint("ledger", __name__)

_PER_PAGE = 50


@pages.get("/ledger")
def every() -> ResponseReturnValue:
    lines = entries_of(rows(), account().id, limit=_PER_PAGE + 1, wanted=_wanted())
    more = len(lines) > _PER_PAGE
    return render_template(
        "billing/ledger_rows.html" if wants_part() else "billing/ledger.html",
        lines=lines[:_PER_PAGE],
        older=lines[_PER_PAGE - 1].id if more else None,
        chosen={name: request.args.get(name, "") for name in ("kind", "since", "until")},
        before=_place(),
        kinds=ENTRY_WORDS,
    )


@pages.get("/ledger.csv")
def export() -> ResponseReturnValue:
    """All that the filter shows, written while it is read."""
    lines = written_entries(rows(), account().id, _wanted())
    response = Response(stream_with_context(lines), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="ledger.csv"'
    return response


def _wanted() -> Wanted:
    """The filter in the address; what it can't mean is no filter. Both days are included."""
    kind = request.args.get("kind", "")
    return Wanted(
        kinds=frozenset({EntryKind(kind)}) if kind in set(EntryKind) else frozenset(),
        since=_midnight("since"),
        until=_midnight("until", timedelta(days=1)),
        before=_place(),
    )


def _place() -> int | None:
    """Below which line to go on. No id is negative, or of more digits."""
    text = request.args.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _midnight(name: str, later: timedelta = timedelta()) -> datetime | None:
    """When a day begins where the account is, or so much later there."""
    try:
        day = datetime.fromisoformat(request.args.get(name, ""))
        return (day + later).replace(tzinfo=ZoneInfo(account().time_zone))
    except (ValueError, OverflowError):
        return None
