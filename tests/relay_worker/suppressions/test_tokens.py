"""Unsubscribe tokens say what they were made for, and cannot be made up."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_core.ids import AccountId, MessageId, ResellerId
from relay_worker.delivery.verp import ReturnPaths
from relay_worker.suppressions.tokens import Subscription, UnsubscribeTokens

SECRET = "a secret of the tests, which is long enough"
TOKENS = UnsubscribeTokens.from_secret(SECRET)
MESSAGE = MessageId(UUID("018f2b1e-7c3a-7d10-9b1e-0123456789ab"))
SUBSCRIPTION = Subscription(ResellerId(3), AccountId(7), "jo@one.example", MESSAGE, 2)

subscriptions = st.builds(
    Subscription,
    st.integers(1, 2**31 - 1).map(ResellerId),
    st.integers(1, 2**63 - 1).map(AccountId),
    st.text(min_size=1, max_size=60),
    st.uuids().map(MessageId),
    st.integers(0, 32_767),
)


@given(subscriptions)
def test_what_was_written_is_read_back(subscription: Subscription) -> None:
    assert TOKENS.read(TOKENS.make(subscription)) == subscription


def test_a_link_stays_one_path_segment_of_safe_characters() -> None:
    token = TOKENS.make(SUBSCRIPTION)
    assert len(token) < 100
    assert token.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize("at", range(0, 60, 7))
def test_another_letter_anywhere_is_a_forgery(at: int) -> None:
    token = TOKENS.make(SUBSCRIPTION)
    other = "A" if token[at] != "A" else "B"
    assert TOKENS.read(token[:at] + other + token[at + 1 :]) is None


@given(st.text(max_size=600))
def test_what_nobody_made_is_read_as_nothing(text: str) -> None:
    assert TOKENS.read(text) is None
    assert TOKENS.read_mailbox(text) is None


def test_another_key_reads_nothing() -> None:
    other = UnsubscribeTokens.from_secret("another secret, which is long enough as well")
    assert other.read(TOKENS.make(SUBSCRIPTION)) is None
    assert other.read_mailbox(TOKENS.make_mailbox(MESSAGE, 2)) is None


@given(st.uuids().map(MessageId), st.integers(0, 32_767))
def test_a_mailbox_is_read_back_in_any_case_and_fits_into_a_local_part(message_id: MessageId, n: int) -> None:
    mailbox = TOKENS.make_mailbox(message_id, n)
    assert len(mailbox) <= 64
    assert TOKENS.read_mailbox(mailbox.upper()) == (message_id, n)


def test_a_return_path_is_no_unsubscribe_mailbox() -> None:
    """Whoever got a bounce, or sent one, knows the return path."""
    path = ReturnPaths.from_secret(SECRET).local_part(MESSAGE, 2)
    assert TOKENS.read_mailbox(f"unsubscribe+{path}") is None
