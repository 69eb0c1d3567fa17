"""Held mail of the visitor's account; a reseller's own people see and work on that of all their customers, too."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from platform_core.errors import NotFound
from platform_core.ids import AccountId, MessageId
from relay_worker.holding.jobs import enqueue_release
from relay_worker.holding.queries import held_mail, holding_accounts
from relay_worker.holding.services import discard_held, release_held
from tenants.accounts.queries import account_by_id
from tenants.accounts.services import choose_for_mail, mail_choices
from tenants.models import Account, AtQuotaEnd
from whitelabel.portal.door import account, clock, reseller, rows
from whitelabel.site.access import owner_only
from whitelabel.site.questions import Question, ask

pages = Blueprint("held", __name__)

_MOST = 100


@pages.get("/held")
def every() -> ResponseReturnValue:
    return _page(account())


@pages.get("/held/<int:account_id>")
def of_account(account_id: int) -> ResponseReturnValue:
    return _page(_whose(account_id))


@pages.post("/held/<int:account_id>/choice")
@owner_only
def choose(account_id: int) -> ResponseReturnValue:
    found = _whose(account_id)
    wanted = AtQuotaEnd.HOLD if request.form.get("hold") else AtQuotaEnd.REFUSE
    choose_for_mail(rows(), found, replace(mail_choices(found), at_quota_end=wanted))
    rows().commit()
    holds = wanted is AtQuotaEnd.HOLD
    flash(
        _("From now on mail is held at the end of the quota.")
        if holds
        else _("From now on mail is refused at the end of the quota.")
    )
    return _back(found)


@pages.post("/held/<int:account_id>/release")
@owner_only
def release(account_id: int) -> ResponseReturnValue:
    """The first batch at once, so that the page can tell; a job goes on with the rest."""
    found = _whose(account_id)
    settled = release_held(rows(), found.id, clock=clock())
    rows().commit()
    if settled:
        enqueue_release(reseller(), account_id=found.id)
        flash(_("What the quota covers is on its way."))
    else:
        flash(_("The quota covers none of it yet. Everything stays held."))
    return _back(found)


@pages.route("/held/<int:account_id>/discard", methods=["GET", "POST"])
@owner_only
def discard(account_id: int) -> ResponseReturnValue:
    found = _whose(account_id)
    question = Question(
        title=_("Discard all held mail?"),
        text=_("None of it is ever sent, and nothing is charged. This is final."),
        button=_("Discard all"),
        back=_home(found),
        dangerous=True,
    )
    return _discarded(found) if question.answered else ask(question)


@pages.route("/held/<int:account_id>/<uuid:message_id>/discard", methods=["GET", "POST"])
@owner_only
def discard_one(account_id: int, message_id: UUID) -> ResponseReturnValue:
    found = _whose(account_id)
    question = Question(
        title=_("Discard this e-mail?"),
        text=_(
            "It is never sent to those recipients for whom it is held, and nothing is charged. This is final."
        ),
        button=_("Discard"),
        back=_home(found),
        dangerous=True,
    )
    return _discarded(found, [MessageId(message_id)]) if question.answered else ask(question)


def _page(found: Account) -> str:
    others = holding_accounts(rows()) if account().is_main else []
    return render_template(
        "held/list.html",
        whose=found,
        mine=found.id == account().id,
        mail=held_mail(rows(), found.id, most=_MOST),
        most=_MOST,
        others=[one for one in others if one.id != found.id],
    )


def _discarded(found: Account, messages: Sequence[MessageId] | None = None) -> ResponseReturnValue:
    discarded = 0
    while some := discard_held(
        rows(), found.id, clock=clock(), reason=_("Discarded in the portal."), messages=messages
    ):
        rows().commit()
        discarded += some
    flash(ngettext("%(num)s recipient was discarded.", "%(num)s recipients were discarded.", discarded))
    return _back(found)


def _whose(account_id: int) -> Account:
    """The visitor's own account, or for the reseller's people any. Raises NotFound, which tells nothing of others."""
    if account_id != account().id and not account().is_main:
        raise NotFound("There is no such account.")
    return account_by_id(rows(), AccountId(account_id))


def _home(found: Account) -> str:
    if found.id == account().id:
        return url_for("held.every")
    return url_for("held.of_account", account_id=found.id)


def _back(found: Account) -> ResponseReturnValue:
    return redirect(_home(found))
