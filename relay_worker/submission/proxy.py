"""The PROXY protocol, versions 1 and 2: who the client is when a load balancer stands in front.

The header is read off the bare socket, not an octet further, before TLS or SMTP see the connection; so it works on
ports with TLS from the first byte too.
"""

import asyncio
import ipaddress
import socket

SIGNATURE_V2 = b"\r\n\r\n\x00\r\nQUIT\n"
_MAX_V1 = 107  # octets with CRLF
_MAX_V2 = 4096  # octets of addresses and TLVs; the longest that proxies send are a few hundred
_LOCAL, _PROXY = 0x20, 0x21
_INET, _INET6 = 0x11, 0x21  # over a stream
_ADDRESS_OCTETS = {_INET: 4, _INET6: 16}


class ProxyHeaderInvalid(Exception):
    """The connection does not begin with a PROXY header that can be understood."""


async def read_proxy_header(sock: socket.socket) -> str | None:
    """The client's address, or None when the proxy speaks for itself (LOCAL, UNKNOWN).

    Raises ProxyHeaderInvalid and OSError. The caller limits the time.
    """
    start = await _exactly(sock, len(SIGNATURE_V2))
    if start == SIGNATURE_V2:
        return await _version_2(sock)
    if start.startswith(b"PROXY "):
        return await _version_1(sock, start)
    raise ProxyHeaderInvalid


async def _version_1(sock: socket.socket, start: bytes) -> str | None:
    """`PROXY TCP4 source destination port port`. Octet by octet: what follows the line belongs to TLS or SMTP."""
    line = bytearray(start)
    while not line.endswith(b"\r\n"):
        if len(line) >= _MAX_V1:
            raise ProxyHeaderInvalid
        line += await _exactly(sock, 1)
    match bytes(line[:-2]).split(b" "):
        case [_, b"UNKNOWN", *_]:
            return None
        case [_, (b"TCP4" | b"TCP6") as family, source, destination, source_port, destination_port]:
            _check_port(source_port)
            _check_port(destination_port)
            version = 4 if family == b"TCP4" else 6
            _text_address(destination, version)
            return _text_address(source, version)
    raise ProxyHeaderInvalid


async def _version_2(sock: socket.socket) -> str | None:
    command, family, *size = await _exactly(sock, 4)
    length = int.from_bytes(bytes(size), "big")
    if length > _MAX_V2:
        raise ProxyHeaderInvalid
    payload = await _exactly(sock, length)
    if command == _LOCAL:
        return None
    if command != _PROXY:
        raise ProxyHeaderInvalid
    octets = _ADDRESS_OCTETS.get(family)
    if octets is None:
        return None  # UNSPEC, UNIX or datagram: the specification says to use the socket's own address
    if len(payload) < 2 * octets + 4:
        raise ProxyHeaderInvalid
    return str(ipaddress.ip_address(bytes(payload[:octets])))


def _text_address(text: bytes, version: int) -> str:
    try:
        address = ipaddress.ip_address(text.decode("ascii"))
    except ValueError as error:
        raise ProxyHeaderInvalid from error
    if address.version != version:
        raise ProxyHeaderInvalid
    return str(address)


def _check_port(text: bytes) -> None:
    if not (text.isdigit() and len(text) <= 5 and int(text) <= 65_535):
        raise ProxyHeaderInvalid


async def _exactly(sock: socket.socket, size: int) -> bytes:
    loop = asyncio.get_running_loop()
    data = b""
    while len(data) < size:
        part = await loop.sock_recv(sock, size - len(data))
        if not part:
            raise ProxyHeaderInvalid
        data += part
    return data
