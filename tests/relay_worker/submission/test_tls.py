"""Certificates by name, and the names the relay greets with."""

import contextlib
import smtplib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from platform_core.ids import ResellerId
from platform_core.security import Seal
from relay_worker.queue.door import SmtpHostname
from relay_worker.submission.tls import self_signed
from tests.relay_worker.submission.fakes import SECRET_KEY
from tests.relay_worker.submission.relays import RawClient, RunningRelay


def make_hostname(name: str, *, pem: bytes | None = None) -> SmtpHostname:
    key, marker, chain = (pem or self_signed(name)).partition(b"-----BEGIN CERTIFICATE-----")
    return SmtpHostname(name, ResellerId(1), marker + chain, Seal(SECRET_KEY).seal(key))


def trusting(hostname: SmtpHostname) -> ssl.SSLContext:
    """A client context that takes this hostname's certificate and no other."""
    assert hostname.certificate is not None
    return ssl.create_default_context(cadata=hostname.certificate.decode())


@contextlib.contextmanager
def secured(relay: RunningRelay, context: ssl.SSLContext, name: str) -> Iterator[RawClient]:
    """A connection to the port with TLS that checks the certificate."""
    with (
        socket.create_connection(("127.0.0.1", relay.tls_port), timeout=10) as sock,
        context.wrap_socket(sock, server_hostname=name) as inside,
    ):
        yield RawClient(inside)


AGENCY = make_hostname("smtp.agency.example")
OTHER = make_hostname("mail.other.example")


@pytest.fixture
def hosting(door, start_relay) -> RunningRelay:
    door.names = [AGENCY, OTHER]
    return start_relay()


@pytest.mark.parametrize("hostname", [AGENCY, OTHER], ids=lambda hostname: hostname.name)
def test_each_name_has_its_certificate_and_its_greeting(
    hosting: RunningRelay, hostname: SmtpHostname
) -> None:
    with secured(hosting, trusting(hostname), hostname.name) as client:
        assert client.reply() == f"220 {hostname.name} ESMTP"
        assert client.ask(b"EHLO client.example").startswith(f"250-{hostname.name}\n")


def test_starttls_shows_the_certificate_of_the_name_asked_for(hosting: RunningRelay) -> None:
    with smtplib.SMTP("127.0.0.1", hosting.port, timeout=10) as client:
        client._host = OTHER.name  # what smtplib asks for in SNI
        client.starttls(context=trusting(OTHER))
        assert client.ehlo()[1].startswith(b"mail.other.example\n")


def test_names_are_compared_without_case(hosting: RunningRelay) -> None:
    with hosting.raw(tls="SMTP.Agency.Example") as client:
        assert client.reply() == "220 smtp.agency.example ESMTP"


def test_an_unknown_name_gets_the_neutral_certificate(hosting: RunningRelay) -> None:
    with hosting.raw(tls="nobody.example") as client:
        assert client.reply() == "220 smtp.neutral.example ESMTP"


def test_a_name_whose_key_cannot_be_opened_is_still_served(door, start_relay) -> None:
    door.names = [SmtpHostname("smtp.agency.example", ResellerId(1), AGENCY.certificate, b"not sealed")]
    with start_relay().raw(tls="smtp.agency.example") as client:
        assert client.reply() == "220 smtp.agency.example ESMTP"


def test_a_name_without_a_certificate_is_still_greeted_with(door, start_relay) -> None:
    door.names = [SmtpHostname("smtp.agency.example", ResellerId(1), None, None)]
    with start_relay().raw(tls="smtp.agency.example") as client:
        assert client.reply() == "220 smtp.agency.example ESMTP"


def test_a_changed_certificate_is_taken_over_and_a_deleted_name_forgotten(hosting: RunningRelay) -> None:
    renewed = make_hostname(AGENCY.name)
    hosting.door.names = [renewed]
    hosting.run(hosting.relay._services.certificates.refresh())
    with secured(hosting, trusting(renewed), AGENCY.name) as client:
        assert client.reply().startswith("220 smtp.agency.example")
    with hosting.raw(tls=OTHER.name) as client:
        assert client.reply() == "220 smtp.neutral.example ESMTP"


def test_an_unchanged_name_keeps_its_context(hosting: RunningRelay) -> None:
    certificates = hosting.relay._services.certificates
    before = dict(certificates._contexts)
    hosting.run(certificates.refresh())
    assert all(certificates._contexts[name] is context for name, context in before.items())


def test_the_neutral_certificate_may_come_from_files(start_relay, tmp_path: Path) -> None:
    pem = self_signed("smtp.neutral.example")
    file = tmp_path / "neutral.pem"
    file.write_bytes(pem)
    relay = start_relay(relay_certificate_file=file)
    context = ssl.create_default_context(cadata=pem[pem.index(b"-----BEGIN CERT") :].decode())
    with secured(relay, context, "smtp.neutral.example") as client:
        assert client.reply().startswith("220 ")


def test_old_versions_of_tls_are_refused(hosting: RunningRelay) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with hosting.raw(port=hosting.tls_port) as client, pytest.raises(OSError):
        context.wrap_socket(client.sock)
