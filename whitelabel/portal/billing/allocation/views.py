"""The allocation page: every customer's credits beside the stock; for the reseller's people alone."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from billing.ledger.transfers import hand_over, take_back
from platform_core.errors import NotFound
from platform_core.ids import AccountId
from tenants.accounts.queries import account_by_id
from tenants.models import Account
from whitelabel.portal.billing.allocation.queries import holdings
from whitelabel.portal.billing.amounts import read_number
from whitelabel.portal.billing.refusals import refusals_told
from whitelabel.portal.door import account, clock, rows
from whitelabel.portal.navigation import usage
from whitelabel.site.access import owner_only
from whitelabel.site.formats import number

pages = Blueprint("allocation", __name__)


@pages.get("/allocation")
def show() -> ResponseReturnValue:
    return render_template(
        "billing/allocation.html",
        stock=usage().credits_left,
        holdings=holdings(rows(), clock().now()),
    )


@pages.post("/allocation/<int:account_id>")
@owner_only
def move(account_id: int) -> ResponseReturnValue:
    """Hand over, or with the other button take back."""
    customer = _customer(account_id)
    with refusals_told():
        credits = read_number(request.form.get("credits", ""))
        if request.form.get("way") == "back":
            take_back(rows(), customer, account(), credits, clock=clock())
            said = _(
                "%(number)s credits were taken back from %(name)s.",
                number=number(credits),
                name=customer.name,
            )
        else:
            hand_over(rows(), account(), customer, credits, clock=clock())
            said = _("%(name)s has got %(number)s credits.", number=number(credits), name=customer.name)
        rows().commit()
        flash(said)
    return redirect(url_for("billing.allocation.show"))


def _customer(account_id: int) -> Account:
    found = account_by_id(rows(), AccountId(account_id))
    if found.is_main:
        raise NotFound("There is no such customer.")
    return found
