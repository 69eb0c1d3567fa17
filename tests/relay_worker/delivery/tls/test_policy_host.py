"""Fetching a policy over HTTPS, from servers that behave and others."""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path

import pytest

from platform_dev.authority import IssuedCertificate, LocalAuthority
from relay_worker.delivery.tls.contexts import Contexts
from relay_worker.delivery.tls.levels import TlsFailure
from relay_worker.delivery.tls.mta_sts import StsMode, StsPolicy
from relay_worker.delivery.tls.policy_host import PolicyHost, PolicyUnavailable
from tests.relay_worker.delivery.tls.conftest import POLICY, PolicyServer, ServerContext, http

pytestmark = pytest.mark.usefixtures("under_either_loop")


async def on_loopback(_: str) -> Sequence[str]:
    return ["127.0.0.1"]


def fetch(
    tls: ssl.SSLContext, response: bytes, trusted: Path, *, delay: float = 0, seconds: float = 5
) -> tuple[StsPolicy, PolicyServer]:
    async def main() -> tuple[StsPolicy, PolicyServer]:
        async with PolicyServer(tls, response, delay=delay) as server:
            host = PolicyHost(on_loopback, Contexts(trusted).verifying, server.port, seconds)
            return await host.fetch("shop.test"), server

    return asyncio.run(main())


@pytest.fixture
def tls(authority: LocalAuthority, server_context: ServerContext) -> ssl.SSLContext:
    """A policy host as it should be."""
    return server_context(authority.issue("mta-sts.shop.test"))


def refused(tls: ssl.SSLContext, response: bytes, trusted: Path, **limits: float) -> tuple[TlsFailure, str]:
    with pytest.raises(PolicyUnavailable) as failure:
        fetch(tls, response, trusted, **limits)
    return failure.value.failure, str(failure.value)


def test_a_policy_is_fetched_from_its_well_known_place(
    tls: ssl.SSLContext, authority: LocalAuthority
) -> None:
    policy, server = fetch(tls, http(POLICY), authority.certificate_path)
    assert (policy.mode, policy.mx) == (StsMode.ENFORCE, ("mx.shop.test",))
    assert server.requests[0].startswith(
        "GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: mta-sts.shop.test\r\n"
    )


def test_a_policy_in_chunks_is_read_whole(tls: ssl.SSLContext, authority: LocalAuthority) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = POLICY.encode()
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:9], body[9:])) + b"0\r\n\r\n"
    policy, _ = fetch(tls, head + chunks, authority.certificate_path)
    assert policy.mx == ("mx.shop.test",)


def test_a_certificate_of_another_name_proves_nothing(
    authority: LocalAuthority, server_context: ServerContext
) -> None:
    tls = server_context(authority.issue("shop.test"))
    failure, _ = refused(tls, http(POLICY), authority.certificate_path)
    assert failure is TlsFailure.POLICY_CERTIFICATE


def test_a_certificate_of_an_unknown_authority_proves_nothing(
    tls: ssl.SSLContext, stranger: LocalAuthority
) -> None:
    failure, _ = refused(tls, http(POLICY), stranger.certificate_path)
    assert failure is TlsFailure.POLICY_CERTIFICATE


def test_an_expired_certificate_proves_nothing(
    expired: IssuedCertificate, expired_authority: Path, server_context: ServerContext
) -> None:
    failure, reason = refused(server_context(expired), http(POLICY), expired_authority)
    assert failure is TlsFailure.POLICY_CERTIFICATE
    assert "expired" in reason


def test_a_redirect_is_not_followed(tls: ssl.SSLContext, authority: LocalAuthority) -> None:
    away = http("", "301 Moved Permanently", more="Location: https://elsewhere.test/mta-sts.txt\r\n")
    assert refused(tls, away, authority.certificate_path) == (
        TlsFailure.POLICY_FETCH,
        "the policy can't be fetched: the policy host answers 301",
    )


@pytest.mark.parametrize(
    ("response", "failure"),
    [
        (http(POLICY, "404 Not Found"), TlsFailure.POLICY_FETCH),
        (http(POLICY, "204 No Content"), TlsFailure.POLICY_FETCH),
        (http(POLICY, kind="text/html"), TlsFailure.POLICY_FETCH),
        (http(POLICY)[:-10], TlsFailure.POLICY_FETCH),
        (http(POLICY + "x: " + "y" * 65_536), TlsFailure.POLICY_FETCH),
        (b"220 mail.shop.test ESMTP\r\n", TlsFailure.POLICY_FETCH),
        (b"", TlsFailure.POLICY_FETCH),
        (http(b"\xff\xfe"), TlsFailure.POLICY_FETCH),
        (http("<html>"), TlsFailure.POLICY_INVALID),
    ],
    ids=[
        "404",
        "204",
        "html",
        "cut off",
        "too large",
        "smtp",
        "nothing",
        "not utf-8",
        "no policy",
    ],
)
def test_what_is_no_policy_is_not_taken_for_one(
    response: bytes, failure: TlsFailure, tls: ssl.SSLContext, authority: LocalAuthority
) -> None:
    assert refused(tls, response, authority.certificate_path)[0] is failure


def test_no_more_is_read_than_a_policy_can_have(tls: ssl.SSLContext, authority: LocalAuthority) -> None:
    endless = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 999999999\r\n\r\n" + b"z" * 200_000
    )
    assert refused(tls, endless, authority.certificate_path) == (
        TlsFailure.POLICY_FETCH,
        "the policy can't be fetched: it is too large",
    )


def test_a_slow_host_is_left(tls: ssl.SSLContext, authority: LocalAuthority) -> None:
    answer = refused(tls, http(POLICY), authority.certificate_path, delay=30, seconds=0.3)
    assert answer == (TlsFailure.POLICY_FETCH, "the policy host is too slow")


def test_an_address_that_says_nothing_leaves_time_for_the_next(
    tls: ssl.SSLContext, authority: LocalAuthority
) -> None:
    async def both(_: str) -> Sequence[str]:
        return ["127.0.0.2", "127.0.0.1"]

    async def main() -> StsPolicy:
        async with PolicyServer(tls, http(POLICY)) as server:
            with socket.create_server(("127.0.0.2", server.port)):  # takes connections, and says nothing
                host = PolicyHost(both, Contexts(authority.certificate_path).verifying, server.port, 1.5)
                return await host.fetch("shop.test")

    assert asyncio.run(main()).mx == ("mx.shop.test",)


def test_a_host_that_may_not_be_asked_is_not() -> None:
    async def nowhere(_: str) -> Sequence[str]:
        return []

    with pytest.raises(PolicyUnavailable, match="no address that may be asked"):
        asyncio.run(PolicyHost(nowhere, Contexts().verifying).fetch("shop.test"))
