"""`TLS-Required: No`: which messages may go without TLS."""

import pytest

from relay_worker.delivery.tls.required import says_tls_is_not_required

BODY = b"\r\nHello\r\n"


@pytest.mark.parametrize(
    "header",
    [b"TLS-Required: No\r\n", b"tls-required:no\r\n", b"TLS-Required:\r\n no \r\n", b"TLS-Required: No\n"],
)
def test_the_header_is_understood(header: bytes) -> None:
    assert says_tls_is_not_required(b"From: a@shop.test\r\n" + header + b"Subject: x\r\n" + BODY)


@pytest.mark.parametrize(
    "headers",
    [
        b"",
        b"TLS-Required: Yes\r\n",
        b"TLS-Required: No, really\r\n",
        b"TLS-Required: No\r\nTLS-Required: No\r\n",
        b"X-TLS-Required: No\r\n",
        b"Subject: x\r\n TLS-Required: No\r\n",
        b"Subject: x\r\n" + BODY + b"\r\nTLS-Required: No\r\n",
    ],
)
def test_anything_else_leaves_the_demands_standing(headers: bytes) -> None:
    assert not says_tls_is_not_required(headers + BODY)
