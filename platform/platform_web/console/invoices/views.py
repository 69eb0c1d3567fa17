"""The platform's invoices to resellers: listed, downloaded, sent again."""

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from billing.invoices.papers import paper_of
from billing.invoices.profiles.queries import sellers_profile, terms_in
from billing.invoices.queries import invoices_in
from billing.invoices.sending.services import ask_to_send
from platform_core.errors import InvalidInput
from platform_web.console.door import clock, rows
from tenants.resellers.queries import all_resellers

pages = Blueprint("invoices", __name__)

_MOST = 200


@pages.get("/invoices")
def every() -> ResponseReturnValue:
    return render_template(
        "console/invoices.html",
        invoices=invoices_in(rows(), most=_MOST),
        names={one.id: one.name for one in all_resellers(rows())},
        today=clock().now().date(),
        may_bill=sellers_profile(rows()) is not None and terms_in(rows()) is not None,
    )


@pages.get("/invoices/<int:invoice_id>.pdf")
def download(invoice_id: int) -> ResponseReturnValue:
    paper = paper_of(rows(), invoice_id)
    rows().commit()
    response = Response(paper.content, content_type=paper.media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{paper.file_name}"'
    return response


@pages.post("/invoices/<int:invoice_id>/send")
def send(invoice_id: int) -> ResponseReturnValue:
    try:
        address = ask_to_send(rows(), invoice_id, clock=clock())
        rows().commit()
        flash(_("The invoice is on its way to %(address)s.", address=address))
    except InvalidInput as error:
        rows().rollback()
        flash(str(error), "bad")
    return redirect(url_for("invoices.every"))
