"""A place in the list of e-mails, as it travels in an address."""

from uuid import UUID

import pytest

from platform_core.ids import MessageId
from relay_worker.messages.queries import Place

ID = "019aa000-0000-7000-8000-00000000000a"


def test_a_place_is_read_as_it_is_written() -> None:
    place = Place(MessageId(UUID(ID)), 12)
    assert Place.parse(str(place)) == place


@pytest.mark.parametrize(
    "text",
    ["", ".", ID, f"{ID}.", f"{ID}.-1", f"{ID}.x", f"{ID}.\u0661", f"{ID}.100000", "nonsense.0", f"{ID}.0.0"],
)
def test_what_is_no_place_is_none(text: str) -> None:
    assert Place.parse(text) is None
