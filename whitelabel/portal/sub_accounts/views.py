"""The list of sub-accounts with today's figures; for people of the reseller's main account alone."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from platform_core.errors import NotFound
from relay_worker.reports.queries import sub_accounts_today
from whitelabel.portal.door import account, clock, rows
from whitelabel.site.requests import wants_part

pages = Blueprint("sub_accounts", __name__)

_MOST = 200


@pages.before_request
def only_for_resellers() -> None:
    """To a customer there are no sub-accounts: not a refusal, which would tell of them, but nothing."""
    if not account().is_main:
        raise NotFound("Only a reseller's main account has sub-accounts.")


@pages.get("/sub-accounts")
def every() -> ResponseReturnValue:
    name = request.args.get("q", "").strip().replace("\0", "")[:100]
    found = sub_accounts_today(rows(), clock().now(), name=name, most=_MOST)
    return render_template(
        "sub_accounts/rows.html" if wants_part() else "sub_accounts/list.html",
        sub_accounts=found,
        name=name,
        most=_MOST,
    )
