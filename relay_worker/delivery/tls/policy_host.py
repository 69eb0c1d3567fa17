"""Fetching a policy from its host over HTTPS (RFC 8461 3.3)."""

import asyncio
import http.client
import io
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import cast

from relay_worker.delivery.tls.levels import TlsFailure
from relay_worker.delivery.tls.mta_sts import PolicyInvalid, StsPolicy, parse_policy

PATH = "/.well-known/mta-sts.txt"
# RFC 8461 3.3 names both: 64 kilobytes, and a minute for all of it.
MAX_POLICY_OCTETS = 65_536
FETCH_SECONDS = 60.0
# The policy and its headers, for which http.client has limits of its own.
_MAX_RESPONSE_OCTETS = MAX_POLICY_OCTETS + 65_536
_BLOCK = 16_384
_MAX_ADDRESSES = 3

Addresses = Callable[[str], Awaitable[Sequence[str]]]


class PolicyUnavailable(Exception):
    """No policy could be had; `failure` is how TLS reports call the reason."""

    def __init__(self, failure: TlsFailure, reason: str) -> None:
        super().__init__(reason)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class PolicyHost:
    """Asks `mta-sts.<domain>`. `addresses` finds those of a host that may be connected to; raises OSError when none can.

    `context` must verify: an unproven policy would be an attacker's.
    """

    addresses: Addresses
    context: ssl.SSLContext
    port: int = 443
    seconds: float = FETCH_SECONDS

    async def fetch(self, domain: str) -> StsPolicy:
        """Raises PolicyUnavailable."""
        try:
            async with asyncio.timeout(self.seconds):
                return parse_policy(_body(await self._response(f"mta-sts.{domain}")))
        except PolicyInvalid as error:
            raise PolicyUnavailable(TlsFailure.POLICY_INVALID, f"the policy is not valid: {error}") from error
        except ssl.SSLCertVerificationError as error:
            reason = f"the policy host's certificate does not hold: {error.verify_message}"
            raise PolicyUnavailable(TlsFailure.POLICY_CERTIFICATE, reason) from error
        except TimeoutError as error:
            raise PolicyUnavailable(TlsFailure.POLICY_FETCH, "the policy host is too slow") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise PolicyUnavailable(
                TlsFailure.POLICY_FETCH, f"the policy can't be fetched: {error}"
            ) from error

    async def _response(self, host: str) -> bytes:
        reader, writer = await self._connect(host)
        try:
            writer.write(
                f"GET {PATH} HTTP/1.1\r\nHost: {host}\r\nAccept: text/plain\r\nConnection: close\r\n\r\n".encode()
            )
            return await _read_all(reader)
        finally:
            writer.transport.abort()

    async def _connect(self, host: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The first address that takes the connection. Raises OSError, of which ssl.SSLError is one.

        Each has its share of the time: packets to one family may be lost on the way without a word.
        """
        failure: OSError | None = None
        for address in list(await self.addresses(host))[:_MAX_ADDRESSES]:
            try:
                async with asyncio.timeout(self.seconds / _MAX_ADDRESSES):
                    return await asyncio.open_connection(
                        address, self.port, ssl=self.context, server_hostname=host
                    )
            except OSError as error:
                failure = error
        raise failure or OSError(f"{host} has no address that may be asked")


async def _read_all(reader: asyncio.StreamReader) -> bytes:
    """All until the server closes, which we have asked it to do after one response."""
    response = b""
    while block := await reader.read(_BLOCK):
        response += block
        if len(response) > _MAX_RESPONSE_OCTETS:
            raise ValueError("it is too large")
    return response


class _Heard(io.BytesIO):
    """What http.client takes for a socket: it only wants the file of it."""

    def makefile(self, _mode: str) -> io.BytesIO:
        return self


def _body(response: bytes) -> str:
    """The text of a whole HTTP response. Anything but a 200 is no policy, a redirect included (RFC 8461 3.3).

    Raises ValueError or http.client.HTTPException.
    """
    answer = http.client.HTTPResponse(cast(socket.socket, _Heard(response)), method="GET")
    answer.begin()
    if answer.status != http.client.OK:
        raise ValueError(f"the policy host answers {answer.status}")
    kind = answer.headers.get_content_type()
    if kind != "text/plain":
        raise ValueError(f"the policy host sends {kind}")
    body = answer.read()
    if len(body) > MAX_POLICY_OCTETS:
        raise ValueError("it is too large")
    return body.decode("utf-8")
