"""The wallet, its entries and the payments."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from billing.payments.purchases import Purchase
from billing.payments.queries import payments_of
from billing.wallet.queries import wallet_lines, wallet_of
from whitelabel.portal.billing.amounts import read_money
from whitelabel.portal.billing.counter import bank_of_seller, card_counter, go_and_pay, the_counter
from whitelabel.portal.billing.refusals import refusals_told
from whitelabel.portal.door import account, rows
from whitelabel.site.access import owner_only

pages = Blueprint("wallet", __name__)

_MOST = 50


@pages.get("/wallet")
def show() -> ResponseReturnValue:
    mine = account()
    return render_template(
        "billing/wallet.html",
        wallet=wallet_of(rows(), mine),
        lines=wallet_lines(rows(), mine, limit=_MOST),
        payments=payments_of(rows(), mine.id, limit=_MOST),
        counter=card_counter(),
        bank=bank_of_seller(),
        came_back="paid" in request.args,
    )


@pages.post("/wallet/fill")
@owner_only
def fill() -> ResponseReturnValue:
    with refusals_told():
        money = read_money(request.form.get("amount", ""), the_counter().currency)
        return go_and_pay(Purchase.wallet(money.amount), save_card=bool(request.form.get("save_card")))
    return redirect(url_for("billing.wallet.show"))
