"""The queue page: depth and age by reseller and destination, pauses, held mail, and the workers."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from redis import Redis

from platform_web.console.door import actor, clock, rows, site_settings
from platform_web.console.queue.queries import queue_page, workers
from relay_worker.queue.pauses import end_pause
from whitelabel.site.requests import wants_part

pages = Blueprint("queue", __name__)


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


@pages.post("/queue/pauses/<int:pause_id>/end")
def resume(pause_id: int) -> ResponseReturnValue:
    """What it has set aside comes back with the job that runs every few seconds."""
    end_pause(rows(), pause_id, actor=actor(), clock=clock())
    rows().commit()
    flash(_("The pause is over. What was set aside comes back within seconds."))
    return redirect(url_for("queue.show"))
