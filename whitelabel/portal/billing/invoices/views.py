"""Invoices: listed, downloaded, sent again, paid."""

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from billing.invoices.papers import Paper, paper_of
from billing.invoices.queries import invoice_by_id, invoices_in
from billing.invoices.sending.services import ask_to_send
from billing.payments.purchases import Purchase
from platform_core.errors import NotFound
from tenants.accounts.queries import sub_accounts
from whitelabel.portal.billing.counter import bank_of_seller, card_counter, go_and_pay
from whitelabel.portal.billing.invoices.books import own_books
from whitelabel.portal.billing.refusals import refusals_told
from whitelabel.portal.door import account, clock, rows
from whitelabel.site.access import owner_only

pages = Blueprint("invoices", __name__)

_MOST = 200


@pages.get("/invoices")
def every() -> ResponseReturnValue:
    with own_books() as books:
        own = invoices_in(books.session, buyer_id=books.buyer_id, most=_MOST)
    to_customers = invoices_in(rows(), most=_MOST) if account().is_main else None
    return render_template(
        "billing/invoices.html",
        own=own,
        to_customers=to_customers,
        names={one.id: one.name for one in sub_accounts(rows())} if account().is_main else {},
        counter=card_counter(),
        bank=bank_of_seller(),
        today=clock().now().date(),
    )


@pages.get("/invoices/<int:invoice_id>.pdf")
def download(invoice_id: int) -> ResponseReturnValue:
    with own_books() as books:
        paper = paper_of(books.session, invoice_id, buyer_id=books.buyer_id)
        books.session.commit()
    return _served(paper)


@pages.post("/invoices/<int:invoice_id>/send")
@owner_only
def send(invoice_id: int) -> ResponseReturnValue:
    with refusals_told(), own_books() as books:
        found = invoice_by_id(books.session, invoice_id, buyer_id=books.buyer_id)
        address = ask_to_send(books.session, found.id, clock=clock())
        books.session.commit()
        flash(_("The invoice is on its way to %(address)s.", address=address))
    return _back()


@pages.post("/invoices/<int:invoice_id>/pay")
@owner_only
def pay(invoice_id: int) -> ResponseReturnValue:
    with refusals_told():
        return go_and_pay(Purchase.invoice(invoice_id))
    return _back()


@pages.get("/invoices/customers/<int:invoice_id>.pdf")
def download_customers(invoice_id: int) -> ResponseReturnValue:
    _for_the_reseller()
    paper = paper_of(rows(), invoice_id)
    rows().commit()
    return _served(paper)


@pages.post("/invoices/customers/<int:invoice_id>/send")
@owner_only
def send_customers(invoice_id: int) -> ResponseReturnValue:
    _for_the_reseller()
    with refusals_told():
        address = ask_to_send(rows(), invoice_id, clock=clock())
        rows().commit()
        flash(_("The invoice is on its way to %(address)s.", address=address))
    return _back()


def _for_the_reseller() -> None:
    if not account().is_main:
        raise NotFound("There is no such invoice.")


def _served(paper: Paper) -> Response:
    response = Response(paper.content, content_type=paper.media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{paper.file_name}"'
    return response


def _back() -> ResponseReturnValue:
    return redirect(url_for("billing.invoices.every"))
