"""The prices page: the list price, and what was agreed with single customers; for the reseller's people alone."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from billing.prices.queries import list_price, price_of
from billing.prices.services import clear_price, set_price
from platform_core.ids import AccountId
from tenants.accounts.queries import account_by_id, sub_accounts
from whitelabel.portal.billing.amounts import read_money
from whitelabel.portal.billing.refusals import refusals_told
from whitelabel.portal.door import account, clock, rows
from whitelabel.site.access import owner_only

pages = Blueprint("prices", __name__)


@pages.get("/prices")
def show() -> ResponseReturnValue:
    return render_template(
        "billing/prices.html",
        listed=list_price(rows()),
        main_id=account().id,
        lines=[(one, price_of(rows(), one)) for one in sub_accounts(rows())],
    )


@pages.post("/prices/<int:account_id>")
@owner_only
def save(account_id: int) -> ResponseReturnValue:
    """Without an amount the price goes: back to the list price, or to none for the list price itself."""
    found = account_by_id(rows(), AccountId(account_id))
    amount = request.form.get("amount", "").strip()
    with refusals_told():
        if amount:
            currency = request.form.get("currency", "").strip().upper()
            set_price(rows(), found, read_money(amount, currency), clock=clock())
        else:
            clear_price(rows(), found)
        rows().commit()
        flash(_("Saved. It holds from the next hand-over or purchase on."))
    return redirect(url_for("billing.prices.show"))
