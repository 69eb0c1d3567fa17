"""The list of e-mails and one e-mail's history."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from platform_core.errors import NotFound
from platform_core.mail.states import RecipientState
from relay_worker.messages.queries import Place, Wanted, email_history, emails
from whitelabel.portal.door import account, rows
from whitelabel.portal.emails.states import FILTERS
from whitelabel.site.requests import wants_part

pages = Blueprint("emails", __name__)

_LONGEST_SEARCH = 200


@pages.get("/emails")
def every() -> ResponseReturnValue:
    wanted, before = _wanted(), Place.parse(request.args.get("before", ""))
    return render_template(
        "emails/rows.html" if wants_part() else "emails/list.html",
        page=emails(rows(), account().id, wanted, before=before),
        wanted=wanted,
        before=before,
        filters=FILTERS,
    )


@pages.get("/emails/<place>")
def one(place: str) -> ResponseReturnValue:
    parsed = Place.parse(place)
    if parsed is None:
        raise NotFound("There is no such e-mail.")
    history = email_history(rows(), account().id, parsed)
    return render_template(
        "emails/history_parts.html" if wants_part() else "emails/history.html", email=history
    )


def _wanted() -> Wanted:
    """The filter in the address; what it can't mean is no filter."""
    state = request.args.get("state", "")
    known = RecipientState(state) if state in set(RecipientState) else None
    # A NUL can't be in any text of Postgres, and so can't be found in one.
    return Wanted(known, request.args.get("q", "").strip().replace("\0", "")[:_LONGEST_SEARCH])
