"""Every process can be watched: it says whether it is alive and ready, and what it does."""

from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.end_to_end.product import Product
from tests.end_to_end.senders import Senders


def read(product: Product, name: str, path: str) -> str:
    """What a process answers; \"\" while it does not."""
    try:
        with urlopen(f"http://127.0.0.1:{product.watched_at[name]}{path}", timeout=5) as answer:
            return answer.read().decode()
    except (URLError, OSError):
        return ""


@pytest.mark.parametrize("name", ["relay", "worker", "jobs", "cron"])
def test_each_process_is_alive_and_ready(product: Product, name: str) -> None:
    for path in "/live", "/ready":
        product.until(lambda path=path: '"status": "ok"' in read(product, name, path), f"{name}{path}")


def test_mail_that_goes_through_is_in_the_figures(product: Product) -> None:
    with Senders(product, pause=0.02).sending() as senders:
        senders.wait_for(5)
        # While mail comes, each of the two workers gets its share; the one that was started first has the port.
        product.until(
            lambda: "frankpost_lanes_waiting" in read(product, "worker", "/metrics"), "a worker tells"
        )
    product.until_arrived(senders.accepted)
    assert 'frankpost_accept_messages_total{verdict="accepted"}' in read(product, "relay", "/metrics")
    assert 'frankpost_jobs_waiting{queue="delivery"}' in read(product, "jobs", "/metrics")
