"""The queue page: depth and age, overall and by reseller, and the workers."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from redis import Redis

from platform_web.console.door import clock, rows, site_settings
from platform_web.console.queue.queries import waiting, workers
from whitelabel.site.requests import wants_part

pages = Blueprint("queue", __name__)


@pages.get("/queue")
def show() -> ResponseReturnValue:
    resellers = waiting(rows(), clock().now())
    with Redis.from_url(site_settings().redis_url.get_secret_value(), socket_connect_timeout=1) as redis:
        known_workers = workers(redis)
    return render_template(
        "console/queue_parts.html" if wants_part() else "console/queue.html",
        resellers=resellers,
        total=sum(one.depth.recipients for one in resellers),
        oldest=max((one.age for one in resellers), default=None),
        workers=known_workers,
    )
