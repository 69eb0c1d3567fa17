"""The prices page: list prices of credits and dedicated IPs, what was agreed with single customers, and what IPs cost.

For the reseller's people alone.
"""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from billing.payments.ip_prices import clear_ip_price, set_ip_price
from billing.payments.queries import own_ip_price
from billing.prices.queries import list_price, price_of
from billing.prices.services import clear_price, set_price
from billing.rentals.handed_on import cost_lines
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
        lines=[(one, price_of(rows(), one), own_ip_price(rows(), one)) for one in sub_accounts(rows())],
        ip_listed=own_ip_price(rows(), account()),
        ip_costs=cost_lines(rows()),
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


@pages.post("/prices/<int:account_id>/ips")
@owner_only
def save_ips(account_id: int) -> ResponseReturnValue:
    """The same for a dedicated IP, a month; without a list price none is sold."""
    found = account_by_id(rows(), AccountId(account_id))
    amount = request.form.get("amount", "").strip()
    with refusals_told():
        if amount:
            currency = request.form.get("currency", "").strip().upper()
            set_ip_price(rows(), found, read_money(amount, currency), clock=clock())
        else:
            clear_ip_price(rows(), found)
        rows().commit()
        flash(_("Saved. It holds from the next order on."))
    return redirect(url_for("billing.prices.show"))
