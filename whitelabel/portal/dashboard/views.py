"""The dashboard."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from relay_worker.messages.queries import Wanted, emails
from relay_worker.reports.queries import figures_today, sub_accounts_today
from whitelabel.portal.door import account, clock, rows
from whitelabel.portal.navigation import usage
from whitelabel.site.requests import wants_part

pages = Blueprint("dashboard", __name__)


@pages.get("/")
def today() -> ResponseReturnValue:
    now, mine = clock().now(), account()
    return render_template(
        "dashboard_parts.html" if wants_part() else "dashboard.html",
        figures=figures_today(rows(), mine.id, now),
        usage=usage(),
        latest=emails(rows(), mine.id, Wanted(), most=6).lines,
        sub_accounts=sub_accounts_today(rows(), now, most=8) if mine.is_main else None,
    )
