"""The queue page: depth and age by reseller and destination, pauses, held mail, and the workers."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from redis import Redis

from platform_core.database import tenant_session
from platform_core.errors import InvalidInput, NotFound
from platform_core.ids import AccountId, ResellerKey
from platform_web.console.door import actor, clock, rows, site_settings
from platform_web.console.queue.forms import PauseForm
from platform_web.console.queue.queries import queue_page, workers
from relay_worker.queue.pauses import end_pause, pause
from tenants.accounts.queries import account_by_id
from tenants.models import Reseller
from tenants.resellers.queries import reseller_by_key
from whitelabel.site.requests import wants_part

pages = Blueprint("queue", __name__)

# The fields of the form by the names that errors give them, where those differ.
_FIELDS = {"selection": "reseller", "until": "hours"}


@pages.get("/queue")
def show() -> ResponseReturnValue:
    page = queue_page(rows(), clock().now())
    with Redis.from_url(site_settings().redis_url.get_secret_value(), socket_connect_timeout=1) as redis:
        known_workers = workers(redis)
    return render_template(
        "console/queue_parts.html" if wants_part() else "console/queue.html",
        page=page,
        workers=known_workers,
    )


@pages.route("/queue/pauses/new", methods=["GET", "POST"])
def hold() -> ResponseReturnValue:
    """What is meant may come filled in from the queue page."""
    form = PauseForm(data={name: request.args.get(name) for name in ("reseller", "lane")})
    if form.validate_on_submit() and _paused(form):
        rows().commit()
        flash(_("It is paused. What is being sent at this moment still goes out."))
        return redirect(url_for("queue.show"))
    return render_template("console/pause_new.html", form=form), 422 if form.errors else 200


def _paused(form: PauseForm) -> bool:
    """Make the pause, or say beside the field why not."""
    now = clock().now()
    try:
        reseller = _reseller(form)
        wanted = form.selection(reseller.id if reseller else None)
        if reseller is not None and wanted.account_id is not None:
            _check_account(reseller, wanted.account_id)
        pause(rows(), wanted, reason=form.reason.data, actor=actor(), clock=clock(), until=form.until(now))
        return True
    except InvalidInput as error:
        rows().rollback()
        form[_FIELDS.get(error.field, error.field)].errors = [str(error)]
        return False


def _reseller(form: PauseForm) -> Reseller | None:
    """Raises InvalidInput for a key that nobody has."""
    key = (form.reseller.data or "").strip()
    try:
        return reseller_by_key(rows(), ResellerKey(key)) if key else None
    except NotFound as error:
        raise InvalidInput("reseller", str(error)) from error


def _check_account(reseller: Reseller, account_id: AccountId) -> None:
    """Raises InvalidInput: a pause of an account that is not there would stop nothing, and look as if it did."""
    with tenant_session(reseller.ref) as session:
        try:
            account_by_id(session, account_id)
        except NotFound as error:
            raise InvalidInput("account", str(error)) from error


@pages.post("/queue/pauses/<int4:pause_id>/end")
def resume(pause_id: int) -> ResponseReturnValue:
    """What it has set aside comes back with the job that runs every few seconds."""
    end_pause(rows(), pause_id, actor=actor(), clock=clock())
    rows().commit()
    flash(_("The pause is over. What was set aside comes back within seconds."))
    return redirect(url_for("queue.show"))
