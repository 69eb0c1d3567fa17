"""Suppressions: list, search, add, remove, import, export."""

from collections.abc import Mapping
from typing import Any

from flask import (
    Blueprint,
    Response,
    flash,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from platform_core.errors import AlreadyExists, InvalidInput
from platform_core.mail.states import SuppressionReason
from relay_worker.models import Suppression
from relay_worker.suppressions.lists import MAX_BYTES, read_list, write_list
from relay_worker.suppressions.queries import (
    ListPlace,
    Wanted,
    every_suppression,
    suppression_of,
    suppressions_of,
)
from relay_worker.suppressions.services import lift_suppression, suppress, suppress_all
from whitelabel.portal.door import account, clock, rows
from whitelabel.portal.suppressions.forms import ImportForm, NewSuppressionForm
from whitelabel.portal.suppressions.words import words_for_reason
from whitelabel.site.access import owner_only
from whitelabel.site.questions import Question, ask
from whitelabel.site.requests import wants_part

pages = Blueprint("suppressions", __name__)

_LONGEST_SEARCH = 200
_PER_PAGE = 50
_FORM_BYTES = 65_536  # what stands around the file in a form


@pages.url_value_preprocessor
def allow_files(endpoint: str | None, _values: Mapping[str, Any] | None) -> None:
    """A list is larger than any other form. Here, since the form is read as soon as its token is checked."""
    if endpoint == "suppressions.import_list":
        request.max_content_length = MAX_BYTES + _FORM_BYTES


@pages.get("/suppressions")
def every() -> ResponseReturnValue:
    wanted, before = _wanted(), ListPlace.parse(request.args.get("before", ""))
    return render_template(
        "suppressions/rows.html" if wants_part() else "suppressions/list.html",
        page=suppressions_of(rows(), account().id, wanted, before=before, limit=_PER_PAGE),
        wanted=wanted,
        before=before,
        reasons=tuple(SuppressionReason),
    )


@pages.route("/suppressions/new", methods=["GET", "POST"])
@owner_only
def create() -> ResponseReturnValue:
    form = NewSuppressionForm()
    added = _added(form) if form.validate_on_submit() else None
    if added is None:
        return render_template("suppressions/new.html", form=form), 422 if form.errors else 200
    flash(_("Nothing more is sent to %(address)s.", address=added.address))
    return redirect(url_for("suppressions.every"))


@pages.route("/suppressions/remove/<path:address>", methods=["GET", "POST"])
@owner_only
def remove(address: str) -> ResponseReturnValue:
    found = suppression_of(rows(), account().id, address)
    question = Question(
        title=_("Send to %(address)s again?", address=found.address),
        text=str(words_for_reason(SuppressionReason(found.reason)).lifting),
        button=_("Send again"),
        back=url_for("suppressions.every"),
        dangerous=found.reason != SuppressionReason.MANUAL,
    )
    if not question.answered:
        return ask(question)
    lift_suppression(rows(), account().id, found.address)
    rows().commit()
    flash(_("%(address)s is no longer suppressed.", address=found.address))
    return redirect(url_for("suppressions.every"))


@pages.route("/suppressions/import", methods=["GET", "POST"])
@owner_only
def import_list() -> ResponseReturnValue:
    form = ImportForm()
    if not form.validate_on_submit() or not _imported(form):
        return render_template("suppressions/import.html", form=form), 422 if form.errors else 200
    return redirect(url_for("suppressions.every"))


@pages.get("/suppressions/export")
def export() -> ResponseReturnValue:
    """All that the filter shows, as CSV; written while it is read."""
    lines = write_list(every_suppression(rows(), account().id, _wanted()))
    response = Response(stream_with_context(lines), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="suppressions.csv"'
    return response


def _wanted() -> Wanted:
    """The filter in the address; what it can't mean is no filter."""
    reason = request.args.get("reason", "")
    known = SuppressionReason(reason) if reason in set(SuppressionReason) else None
    # A NUL can't be in any text of Postgres, and so can't be found in one.
    return Wanted(request.args.get("q", "").strip().replace("\0", "")[:_LONGEST_SEARCH], known)


def _added(form: NewSuppressionForm) -> Suppression | None:
    """The new suppression; None after a refusal, which then stands beside the field."""
    try:
        added = suppress(rows(), account().id, form.address.data, clock=clock(), origin="portal")
    except (AlreadyExists, InvalidInput) as error:
        form.address.errors = [str(error)]
        return None
    rows().commit()
    return added


def _imported(form: ImportForm) -> bool:
    """False after a refusal, which then stands beside the field; nothing was imported."""
    try:
        lines, bad = read_list(form.file.data.read(MAX_BYTES + 1), skip_bad=form.skip_bad.data)
        added = suppress_all(rows(), account().id, lines, clock=clock(), origin="import")
    except InvalidInput as error:
        form.file.errors = [str(error)]
        return False
    rows().commit()
    flash(
        ngettext(
            "%(num)s address is suppressed from now on.",
            "%(num)s addresses are suppressed from now on.",
            added,
        )
    )
    if bad:
        flash(ngettext("%(num)s line was left out.", "%(num)s lines were left out.", len(bad)))
    return True
