"""The margins page; for the reseller's people alone."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from billing.prices.margins import margins
from billing.rentals.margins import ip_margins
from whitelabel.portal.door import rows

pages = Blueprint("margins", __name__)


@pages.get("/margins")
def show() -> ResponseReturnValue:
    return render_template("billing/margins.html", lines=margins(rows()), ip_lines=ip_margins(rows()))
