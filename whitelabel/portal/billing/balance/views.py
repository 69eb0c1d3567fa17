"""The balance page."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from billing.dunning.forecast import forecasts, present_rate
from billing.ledger.queries import lots_of
from whitelabel.portal.door import account, clock, rows
from whitelabel.portal.navigation import usage

pages = Blueprint("balance", __name__)


@pages.get("")
def show() -> ResponseReturnValue:
    now, mine = clock().now(), account()
    rate = present_rate(rows(), mine.id, now)
    lots = forecasts(lots_of(rows(), mine.id), rate, now)
    return render_template(
        "billing/balance.html",
        usage=usage(),
        # Of the same reading as the list below it: mail may be accepted between two.
        credits_left=sum(one.lot.remaining for one in lots),
        rate=rate,
        lots=lots,
    )
