"""Unsubscribing by a link: GET shows a page and changes nothing, POST acts at once (RFC 8058)."""

from typing import cast

from flask import Blueprint, current_app, render_template, request
from flask.typing import ResponseReturnValue

from platform_core.database import db
from platform_core.errors import NotFound
from relay_worker.suppressions.tokens import LINK_PATH, Subscription, UnsubscribeTokens
from relay_worker.suppressions.unsubscribing import unsubscribe
from tenants.accounts.queries import account_by_id
from whitelabel.neutral import neutral_page
from whitelabel.portal.door import clock, reseller, rows
from whitelabel.site.access import public

pages = Blueprint("unsubscribe", __name__)


@pages.get(f"{LINK_PATH}<token>")
@public
def show(token: str) -> ResponseReturnValue:
    """Scanners and previews follow links (GET, HEAD): nothing is done for them."""
    subscription = _subscription(token)
    sender = _sender(subscription) if subscription else None
    if subscription is None or sender is None:
        return neutral_page(404)
    return render_template("unsubscribe/ask.html", subscription=subscription, sender=sender)


@pages.post(f"{LINK_PATH}<token>")
@public
def act(token: str) -> ResponseReturnValue:
    """The button of the page, or a mail program's own. The answer is the same, however often."""
    subscription = _subscription(token)
    sender = _sender(subscription) if subscription else None
    if subscription is None or sender is None:
        return neutral_page(404)
    session = db.session()
    unsubscribe(session, subscription, at=clock().now(), client=request.remote_addr or "")
    session.commit()
    return render_template("unsubscribe/done.html", subscription=subscription, sender=sender)


def _subscription(token: str) -> Subscription | None:
    """What the link is about, if it is a link of the reseller whose host this is."""
    tokens = cast(UnsubscribeTokens, current_app.extensions["unsubscribe_tokens"])
    found = tokens.read(token)
    return found if found is not None and found.reseller_id == reseller().id else None


def _sender(subscription: Subscription) -> str | None:
    """The name of the account that sends; None when it is gone."""
    try:
        return account_by_id(rows(), subscription.account_id).name
    except NotFound:
        return None
