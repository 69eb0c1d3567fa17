"""Mail that came back and was not understood: the list, one of it, and what staff do with it."""

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from platform_web.console.door import actor, clock, rows
from platform_web.console.inbound.reading import shown
from platform_web.console.inbound.words import KINDS, STATES
from relay_worker.inbound.queries import InboundState, inbound_content, inbound_mail, inbound_mails
from relay_worker.inbound.services import mark_done, read_again
from tenants.resellers.queries import all_resellers
from whitelabel.site.requests import wants_part

pages = Blueprint("inbound", __name__)

_MOST = 200


@pages.get("/inbound")
def every() -> ResponseReturnValue:
    return render_template(
        "console/inbound_rows.html" if wants_part() else "console/inbound.html",
        mails=inbound_mails(rows(), InboundState.NOT_UNDERSTOOD, limit=_MOST),
        most=_MOST,
        names=_names(),
        kinds=KINDS,
        now=clock().now(),
    )


@pages.get("/inbound/<int:inbound_id>")
def one(inbound_id: int) -> ResponseReturnValue:
    found = inbound_mail(rows(), inbound_id)
    return render_template(
        "console/inbound_one.html",
        found=found,
        mail=shown(inbound_content(rows(), inbound_id)),
        names=_names(),
        kinds=KINDS,
        states=STATES,
        open=found.state in (InboundState.NOT_UNDERSTOOD, InboundState.DONE),
    )


@pages.get("/inbound/<int:inbound_id>.eml")
def download(inbound_id: int) -> ResponseReturnValue:
    """As it came; a browser is to save it and never to show it."""
    response = Response(inbound_content(rows(), inbound_id), content_type="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="inbound-{inbound_id}.eml"'
    return response


@pages.post("/inbound/<int:inbound_id>/done")
def done(inbound_id: int) -> ResponseReturnValue:
    mark_done(rows(), inbound_id, actor=actor())
    rows().commit()
    flash(_("The mail is done."))
    return redirect(url_for("inbound.every"))


@pages.post("/inbound/<int:inbound_id>/read-again")
def again(inbound_id: int) -> ResponseReturnValue:
    read_again(rows(), inbound_id)
    rows().commit()
    flash(_("The mail is read again within seconds. What is still not understood comes back here."))
    return redirect(url_for("inbound.every"))


def _names() -> dict[int, str]:
    return {reseller.id: reseller.name for reseller in all_resellers(rows())}
