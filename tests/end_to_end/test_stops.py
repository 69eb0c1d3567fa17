"""SIGTERM under load: what is under way comes to its end, nothing is lost, and the process ends soon and well."""

from tests.end_to_end.product import WORKERS, Product
from tests.end_to_end.senders import Senders


def test_a_relay_that_stops_ends_each_session_with_a_word(product: Product) -> None:
    with Senders(product).sending() as senders:
        senders.wait_for(100)
        assert product.terminate("relay") == [0]
        senders.wait_for(len(senders.accepted) + 100)
    assert senders.refusals and {code for code, _ in senders.refusals} == {421}
    product.until_arrived(senders.accepted)
    assert not senders.interrupted
    assert not product.sink.doubled(senders.accepted)


def test_workers_that_stop_end_soon_and_double_nothing(product: Product) -> None:
    product.sink.delay = 0.05
    with Senders(product, pause=0.02).sending() as senders:
        senders.wait_for(100)
        assert product.terminate(*WORKERS, seconds=12) == [0, 0]
        senders.wait_for(len(senders.accepted) + 50)
    product.until_arrived(senders.accepted)
    product.until_recorded()
    assert not product.sink.doubled(senders.accepted)


def test_workers_whose_remote_is_silent_end_soon_too(product: Product) -> None:
    product.sink.delay = 300
    with Senders(product, limit=5).sending() as senders:
        senders.wait_for(5)
    held = "SELECT count(*) FROM relay.due WHERE lease IS NOT NULL"
    product.until(lambda: product.value(held) >= 5, "the workers hold them")
    assert product.terminate(*WORKERS, seconds=15) == [0, 0]
    product.sink.delay = 0.0
    # What was broken off may have been delivered all the same, so it is tried again at its time only.
    assert product.value("SELECT count(*) FROM recipient WHERE state = 'deferred'") >= 5
    product.value("UPDATE relay.due SET next_at = now() - interval '1 second' WHERE NOT ready RETURNING n")
    product.until_arrived(senders.accepted)
