"""Saved cards and the rule of automatic top-ups; there where cards can be taken."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from billing.payments.checkout import forget_card, start_portal, start_saving_card
from billing.payments.purchases import BackTo, Good
from billing.payments.queries import CardView, cards_of, top_up_of
from billing.payments.top_ups.services import TopUp, remove_top_up, set_top_up
from platform_core.errors import InvalidInput, NotFound
from whitelabel.portal.billing.amounts import read_money, read_number
from whitelabel.portal.billing.counter import card_counter, here, leave_for, the_counter
from whitelabel.portal.billing.refusals import refusals_told
from whitelabel.portal.door import account, clock, rows
from whitelabel.site.access import owner_only
from whitelabel.site.questions import Question, ask

pages = Blueprint("cards", __name__)


@pages.before_request
def only_with_a_counter() -> None:
    """Raises NotFound: there are no cards where none can be taken."""
    if card_counter() is None:
        raise NotFound("Cards can't be used here.")


@pages.get("/cards")
def show() -> ResponseReturnValue:
    return render_template(
        "billing/cards.html",
        cards=cards_of(rows(), account().id),
        top_up=top_up_of(rows(), account().id),
        counter=the_counter(),
    )


@pages.post("/cards/new")
@owner_only
def save() -> ResponseReturnValue:
    with refusals_told():
        page = here("billing.cards.show")
        url = start_saving_card(rows(), account(), till=the_counter().till, back_to=BackTo(page, page))
        rows().commit()
        return leave_for(url)
    return _back()


@pages.post("/cards/receipts")
@owner_only
def receipts() -> ResponseReturnValue:
    """To the payment service's own page about cards and receipts."""
    with refusals_told():
        url = start_portal(rows(), account(), till=the_counter().till, back_to=here("billing.cards.show"))
        rows().commit()
        return leave_for(url)
    return _back()


@pages.route("/cards/<card_id>/remove", methods=["GET", "POST"])
@owner_only
def remove(card_id: str) -> ResponseReturnValue:
    card = _mine(card_id)
    question = Question(
        title=_("Remove the card that ends in %(last4)s?", last4=card.last4),
        text=_("Nothing can be paid with it from then on. An automatic top-up with it goes off."),
        button=_("Remove"),
        back=url_for("billing.cards.show"),
        dangerous=True,
    )
    if not question.answered:
        return ask(question)
    with refusals_told():
        forget_card(rows(), account(), card.id, till=the_counter().till)
        rows().commit()
        flash(_("The card is being removed."))
    return _back()


@pages.post("/cards/top-up")
@owner_only
def top_up() -> ResponseReturnValue:
    with refusals_told():
        set_top_up(rows(), account(), _rule(), clock=clock())
        rows().commit()
        flash(_("The automatic top-up is on."))
    return _back()


@pages.post("/cards/top-up/off")
@owner_only
def no_top_up() -> ResponseReturnValue:
    remove_top_up(rows(), account())
    rows().commit()
    flash(_("The automatic top-up is off."))
    return _back()


def _rule() -> TopUp:
    """Raises InvalidInput, and NotFound for another's card."""
    currency, wanted = the_counter().currency, request.form.get("good", "")
    if wanted not in (Good.CREDITS, Good.WALLET):
        raise InvalidInput("good", "Only credits and the wallet are topped up.")
    good = Good(wanted)
    return TopUp(
        good=good,
        threshold=_units("threshold", good, currency),
        units=_units("units", good, currency),
        daily_ceiling=read_money(request.form.get("ceiling", ""), currency).amount,
        card_id=_mine(request.form.get("card", "")).id,
    )


def _units(field: str, good: Good, currency: str) -> int:
    """Credits as a number, money in minor units."""
    text = request.form.get(field, "")
    return read_number(text) if good is Good.CREDITS else read_money(text, currency).amount


def _mine(card_id: str) -> CardView:
    for card in cards_of(rows(), account().id):
        if card.id == card_id:
            return card
    raise NotFound("There is no such card.")


def _back() -> ResponseReturnValue:
    return redirect(url_for("billing.cards.show"))
