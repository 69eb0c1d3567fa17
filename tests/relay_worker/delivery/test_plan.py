"""Which recipients of a message share a transaction."""

from relay_worker.delivery.build import Built
from relay_worker.delivery.dispatcher import plan
from tests.relay_worker.delivery.factories import message_to, transaction_to

MESSAGE = transaction_to("a@x.test").message


def shares(*addresses: str, requires_tls: bool = False) -> list[tuple[str, ...]]:
    planned = plan(Built(MESSAGE, "news@shop.test", None, requires_tls), message_to(*addresses))
    assert all(one.requires_tls is requires_tls for one in planned)
    return [tuple(recipient.rcpt_to for recipient in one.recipients) for one in planned]


def test_recipients_of_a_domain_go_together() -> None:
    assert shares("a@x.test", "b@y.test", "c@x.test") == [("a@x.test", "c@x.test"), ("b@y.test",)]


def test_at_most_a_hundred_of_them() -> None:
    assert [len(share) for share in shares(*(f"u{n}@x.test" for n in range(250)))] == [100, 100, 50]


def test_addresses_beyond_ascii_go_apart() -> None:
    assert shares("a@x.test", "jörg@x.test", "b@x.test") == [("jörg@x.test",), ("a@x.test", "b@x.test")]


def test_an_account_that_requires_tls_has_it_required_of_every_transaction() -> None:
    assert shares("a@x.test", "b@y.test", requires_tls=True) == [("a@x.test",), ("b@y.test",)]
