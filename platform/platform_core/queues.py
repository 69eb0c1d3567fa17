"""The queues of RQ, and the way to them. A job carries ids only; whatever is lost is found again by a sweep."""

from enum import StrEnum

from redis import Redis
from rq import Queue

from platform_core.settings import Settings


class QueueName(StrEnum):
    """DELIVERY is rung, never filled. UPKEEP is work that may wait: rechecks, partitions, tidying."""

    DELIVERY = "delivery"
    UPKEEP = "upkeep"


def redis_connection(settings: Settings) -> Redis:
    """A connection pool to Redis; connects on first use."""
    return Redis.from_url(settings.redis_url.get_secret_value(), socket_connect_timeout=5)


def queue_named(name: QueueName, connection: Redis) -> Queue:
    """The queue of that name; close the connection when done."""
    return Queue(name.value, connection=connection)
