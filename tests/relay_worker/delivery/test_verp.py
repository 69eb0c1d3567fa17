"""Return paths that name the message and cannot be made up."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from platform_core.ids import MessageId
from relay_worker.delivery.verp import ReturnPaths

PATHS = ReturnPaths.from_secret("a secret of the tests, which is long enough")
MESSAGE = MessageId(UUID("018f2b1e-7c3a-7d10-9b1e-0123456789ab"))

ids = st.uuids().map(MessageId)
numbers = st.integers(0, 999_999_999)


@given(ids, numbers)
def test_what_was_written_is_read_back(message_id: MessageId, n: int) -> None:
    assert PATHS.read(PATHS.local_part(message_id, n)) == (message_id, n)


@given(ids, numbers)
def test_it_fits_into_a_local_part(message_id: MessageId, n: int) -> None:
    assert len(PATHS.local_part(message_id, n)) <= 64


def test_case_carries_nothing() -> None:
    assert PATHS.read(PATHS.local_part(MESSAGE, 3).upper()) == (MESSAGE, 3)


def test_another_recipient_number_is_a_forgery() -> None:
    assert PATHS.read(PATHS.local_part(MESSAGE, 1).replace("-1-", "-2-")) is None


def test_another_key_reads_nothing() -> None:
    other = ReturnPaths.from_secret("another secret, which is long enough as well")
    assert other.read(PATHS.local_part(MESSAGE, 1)) is None


@given(st.text(max_size=70))
def test_any_other_local_part_is_not_ours(local_part: str) -> None:
    assert PATHS.read(local_part) is None


def test_other_spellings_of_the_same_octets_are_not_ours() -> None:
    # 26 base32 letters hold 130 bits, the id only 128: the last letter must not be free to vary.
    named = PATHS.local_part(MESSAGE, 1)
    spellings = [named[:27] + letter + named[28:] for letter in "abcdefghijklmnopqrstuvwxyz234567"]
    assert [PATHS.read(spelling) for spelling in spellings].count((MESSAGE, 1)) == 1
