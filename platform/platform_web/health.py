"""Two questions of whoever runs the product: is this process alive, and can it serve?"""

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from redis import Redis, RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from platform_core.database import db
from whitelabel.site.access import public

pages = Blueprint("health", __name__, url_prefix="/health")


@pages.get("/live")
@public
def live() -> ResponseReturnValue:
    """Answers as long as the process does; a restart is right when it doesn't."""
    return {"status": "ok"}


@pages.get("/ready")
@public
def ready() -> ResponseReturnValue:
    """503 without Postgres. Without Redis pages still work (it is only a bell), so that is said and no more."""
    postgres, redis = _postgres_answers(), _redis_answers()
    states = {"postgres": "ok" if postgres else "down", "redis": "ok" if redis else "down"}
    return {"status": "ok" if postgres else "down", **states}, 200 if postgres else 503


def _postgres_answers() -> bool:
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return False
    return True


def _redis_answers() -> bool:
    url = current_app.extensions["settings"].redis_url.get_secret_value()
    try:
        with Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1) as redis:
            return bool(redis.ping())
    except RedisError:
        return False
