"""The PROXY protocol in front of both kinds of port."""

import socket
import struct

import pytest

from relay_worker.submission.proxy import SIGNATURE_V2
from tests.relay_worker.submission.relays import RunningRelay

CLEAN = b"From: me@example.org\r\n\r\nx\r\n.\r\n"
V1 = b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 587\r\n"
V1_IPV6 = b"PROXY TCP6 2001:db8::7 2001:db8::1 40000 587\r\n"


def version_2(command: int = 0x21, family: int = 0x11, payload: bytes | None = None) -> bytes:
    if payload is None:
        payload = (
            socket.inet_aton("192.0.2.7") + socket.inet_aton("198.51.100.1") + struct.pack("!HH", 40000, 587)
        )
    return SIGNATURE_V2 + struct.pack("!BBH", command, family, len(payload)) + payload


V2 = version_2()
V2_TLV = version_2(payload=V2[16:] + b"\x04\x00\x03abc")
V2_IPV6 = version_2(
    family=0x21,
    payload=socket.inet_pton(socket.AF_INET6, "2001:db8::7") + bytes(16) + struct.pack("!HH", 40000, 587),
)
V2_LOCAL = version_2(command=0x20, family=0, payload=b"")


@pytest.fixture
def proxied(start_relay) -> RunningRelay:
    return start_relay(relay_proxy_protocol_from=("127.0.0.0/8",))


@pytest.mark.parametrize("tls", [None, "x.example"], ids=["starttls port", "tls port"])
@pytest.mark.parametrize(
    ("header", "client_address"),
    [
        (V1, "192.0.2.7"),
        (V1_IPV6, "2001:db8::7"),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
        (b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", "127.0.0.1"),
        (V2, "192.0.2.7"),
        (V2_TLV, "192.0.2.7"),
        (V2_IPV6, "2001:db8::7"),
        (V2_LOCAL, "127.0.0.1"),
    ],
)
def test_the_client_is_who_the_proxy_says(
    proxied: RunningRelay, header: bytes, client_address: str, tls: str | None
) -> None:
    with proxied.raw(before=header, tls=tls) as client:
        if tls is None:
            client.greet()
            (session,) = proxied.relay._services.sessions
            assert session._client == client_address
        else:
            client.log_in().deliver(CLEAN)
            assert proxied.door.only.client_address == client_address


def test_a_header_may_come_octet_by_octet(proxied: RunningRelay) -> None:
    with proxied.raw() as client:
        for octet in V2:
            client.send(bytes([octet]))
        assert client.reply().startswith("220 ")


def test_what_follows_the_header_in_one_packet_is_not_lost(proxied: RunningRelay) -> None:
    with proxied.raw(before=V1 + b"EHLO client.example\r\n") as client:
        assert client.reply().startswith("220 ")
        assert client.reply().startswith("250-")


@pytest.mark.parametrize(
    "header",
    [
        b"EHLO client.example\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40000\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 99999\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n",
        b"PROXY TCP6 192.0.2.7 192.0.2.8 1 2\r\n",
        b"PROXY TCP4 not.an.address 192.0.2.8 1 2\r\n",
        b"PROXY TCP4  192.0.2.7 192.0.2.8 1 2\r\n",
        b"PROXY UDP4 192.0.2.7 192.0.2.8 1 2\r\n",
        b"PROXY " + b"x" * 200 + b"\r\n",
        version_2(command=0x31),
        version_2(command=0x22),
        version_2(payload=b"short"),
        version_2(payload=bytes(5000)),
    ],
)
def test_a_wrong_header_ends_the_connection_without_a_word(proxied: RunningRelay, header: bytes) -> None:
    with proxied.raw(before=header) as client:
        assert client.closed


def test_a_header_from_anybody_else_is_no_command(relay: RunningRelay) -> None:
    with relay.raw(before=V1) as client:
        assert client.reply().startswith("220 ")
        assert client.reply().startswith("500 5.5.2")


def test_limits_count_the_client_and_not_the_proxy(start_relay) -> None:
    relay = start_relay(relay_proxy_protocol_from=("127.0.0.1/32",), relay_max_connections_per_address=1)
    other = V1.replace(b"192.0.2.7", b"192.0.2.8")
    with relay.raw(before=V1) as first, relay.raw(before=other) as second, relay.raw(before=V1) as third:
        assert first.reply().startswith("220 ")
        assert second.reply().startswith("220 ")
        assert third.reply().startswith("421 4.7.0")


def test_a_proxied_client_is_not_on_loopback(proxied: RunningRelay) -> None:
    with proxied.raw(before=V1) as client:
        client.greet()
        assert client.auth().startswith("538 ")
