"""What is suppressed between acceptance and delivery is not sent."""

from platform_core.clock import SystemClock
from relay_worker.delivery.suppressed import drop_suppressed
from tests.relay_worker.inbound.returns import accept
from tests.relay_worker.queue.desk import Desk, Sender


def test_a_claim_says_who_was_suppressed_meanwhile(desk: Desk, shop: Sender) -> None:
    accept(desk, shop, "ann@there.example", "Bob@there.example", "eve@there.example")
    shop.suppress("bob@there.example")
    claimed = {one.rcpt_to: one.suppressed for one in desk.worker().claim()}
    assert claimed == {"ann@there.example": False, "Bob@there.example": True, "eve@there.example": False}


def test_what_another_account_suppressed_is_sent(desk: Desk, shop: Sender, account) -> None:
    accept(desk, shop, "ann@there.example")
    account().suppress("ann@there.example")
    assert [one.suppressed for one in desk.worker().claim()] == [False]


def test_a_drop_ends_the_recipient_and_is_counted_as_discarded(desk: Desk, shop: Sender) -> None:
    sent = accept(desk, shop, "ann@there.example")
    shop.suppress("ann@there.example")
    worker = desk.worker()
    (claimed,) = worker.claim()
    worker.finish(drop_suppressed(claimed, SystemClock().now()))
    assert sent.state() == ("dropped", None)
    assert sent.events() == ["dropped"]
    assert shop.due == []
    assert shop.value("SELECT sum(discarded) FROM stats_hour WHERE account_id = %(account)s") == 1
