"""The texts in which senders ask for reports."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_core.mail.dsn import (
    DsnRequest,
    decode_utf8_address,
    decode_xtext,
    encode_utf8_address,
    encode_xtext,
    original_for,
    parse_envelope_id,
    parse_original,
)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=33))
def test_xtext_says_any_printable_text(text: str) -> None:
    encoded = parse_envelope_id(encode_xtext(text))
    assert decode_xtext(encoded) == text


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_an_international_address_survives_in_ascii(address: str) -> None:
    encoded = encode_utf8_address(address)
    assert encoded.isascii()
    assert decode_utf8_address(encoded) == address


@pytest.mark.parametrize("address", ["a+b=c@d.example", "jörg@d.example", "back\\slash@d.example"])
def test_the_original_recipient_is_the_address_again(address: str) -> None:
    original = parse_original(original_for(address))
    assert DsnRequest(original=original).original_recipient[1] == address
