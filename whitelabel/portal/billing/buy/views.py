"""Buying: a number, its price, and then the way to pay."""

from decimal import Decimal

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_decimal
from flask_babel import gettext as _

from billing.invoices.profiles.queries import profile_of
from billing.money import Money
from billing.payments.from_wallet import buy_from_wallet
from billing.payments.price_list import PriceLine, price_lines
from billing.payments.purchases import Good, Purchase
from billing.payments.queries import ip_price_of
from billing.payments.till import quote_in
from billing.prices.queries import price_of
from billing.wallet.queries import wallet_of
from platform_core.errors import InvalidInput, NotForSale
from whitelabel.portal.billing.amounts import read_number
from whitelabel.portal.billing.counter import bank_of_seller, card_counter, go_and_pay
from whitelabel.portal.billing.refusals import refusals_told
from whitelabel.portal.door import account, clock, reseller, rows
from whitelabel.site.access import owner_only

pages = Blueprint("buy", __name__)

_GOODS = {Good.CREDITS: Purchase.credits, Good.DEDICATED_IP: Purchase.dedicated_ips}


@pages.get("/buy")
def show() -> ResponseReturnValue:
    counter, balance = card_counter(), wallet_of(rows(), account()).balance
    currency = _currency()
    return render_template(
        "billing/buy.html",
        lines=_lines(Good.CREDITS, currency) if currency else (),
        ip_lines=_lines(Good.DEDICATED_IP, currency) if counter else (),
        counter=counter,
        balance=balance,
        bank=bank_of_seller(),
    )


@pages.post("/buy")
@owner_only
def quote() -> ResponseReturnValue:
    """The price of what is wanted, before anything is bought."""
    with refusals_told():
        return _quoted(_purchase())
    return _back()


@pages.post("/buy/card")
@owner_only
def by_card() -> ResponseReturnValue:
    with refusals_told():
        return go_and_pay(_purchase(), save_card=bool(request.form.get("save_card")))
    return _back()


@pages.post("/buy/wallet")
@owner_only
def by_wallet() -> ResponseReturnValue:
    with refusals_told():
        buy_from_wallet(rows(), account(), _purchase(), clock=clock())
        rows().commit()
        flash(_("Bought. The wallet has paid for it."))
        return redirect(url_for("billing.balance.show"))
    return _back()


def _purchase() -> Purchase:
    """Raises InvalidInput."""
    wanted = request.form.get("good", "")
    if wanted not in set(_GOODS):
        raise InvalidInput("good", "Please choose what to buy.")
    return _GOODS[Good(wanted)](read_number(request.form.get("units", "")))


def _quoted(purchase: Purchase) -> str:
    currency = _currency()
    if not currency:
        raise NotForSale("There is no way to pay here; please ask your provider.")
    found = quote_in(rows(), account(), purchase, currency, clock=clock())
    balance = wallet_of(rows(), account()).balance
    return render_template(
        "billing/quote.html",
        quote=found,
        rate=format_decimal(Decimal(found.vat.basis_points) / 100) if found.vat else "",
        has_profile=profile_of(rows(), account().id) is not None,
        by_card=card_counter() is not None,
        by_wallet=purchase.good is Good.CREDITS and balance is not None and _covers(balance, found.price),
        balance=balance,
    )


def _covers(balance: Money, price: Money) -> bool:
    return balance.currency == price.currency and balance.amount >= price.amount


def _currency() -> str:
    """In which the visitor would pay; "" where there is no way to."""
    counter, balance = card_counter(), wallet_of(rows(), account()).balance
    if counter:
        return counter.currency
    return balance.currency if balance else ""


def _lines(good: Good, currency: str) -> tuple[PriceLine, ...]:
    if account().is_main:
        return price_lines(reseller(), good, currency)
    if good is Good.DEDICATED_IP:
        one = ip_price_of(rows(), account())
    else:
        agreed = price_of(rows(), account())
        one = agreed.per_thousand if agreed else None
    return (PriceLine(good, 1, one),) if one and one.amount > 0 else ()


def _back() -> ResponseReturnValue:
    return redirect(url_for("billing.buy.show"))
