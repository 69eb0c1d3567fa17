"""The local authority: its certificates hold in a real TLS handshake, and only for names that nobody owns."""

import datetime
import socket
import ssl
import stat
import threading
from pathlib import Path

import pytest
from cryptography import x509

from platform_core.clock import StoppedClock
from platform_core.errors import InvalidInput
from platform_dev.authority import IssuedCertificate, LocalAuthority


def shake_hands(authority: LocalAuthority, issued: IssuedCertificate, name: str, folder: Path) -> str:
    """The name in the certificate, for a client that trusts the authority alone. Raises ssl.SSLError when it does not hold."""
    (folder / "server.pem").write_bytes(issued.key + issued.chain)
    server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_context.load_cert_chain(folder / "server.pem")
    client_context = ssl.create_default_context(cafile=str(authority.certificate_path))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        server = threading.Thread(target=_serve, args=(server_context, theirs))
        server.start()
        try:
            with client_context.wrap_socket(ours, server_hostname=name) as client:
                certificate = client.getpeercert()
        finally:
            ours.close()
            server.join()
    assert certificate
    return str(dict(certificate["subjectAltName"]).popitem()[1])  # type: ignore[arg-type]


def _serve(context: ssl.SSLContext, side: socket.socket) -> None:
    try:
        with context.wrap_socket(side, server_side=True) as connection:
            connection.recv(1)
    except (ssl.SSLError, OSError):
        return


@pytest.fixture
def authority(tmp_path: Path) -> LocalAuthority:
    return LocalAuthority(tmp_path / "authority")


@pytest.mark.parametrize("name", ["smtp.agency.localhost", "127.0.0.1"])
def test_a_certificate_holds_for_its_name(authority: LocalAuthority, tmp_path: Path, name: str) -> None:
    assert shake_hands(authority, authority.issue(name), name, tmp_path) == name


def test_a_wildcard_holds_for_the_names_below(authority: LocalAuthority, tmp_path: Path) -> None:
    issued = authority.issue("*.agency.localhost")
    assert shake_hands(authority, issued, "portal.agency.localhost", tmp_path) == "*.agency.localhost"


def test_a_certificate_does_not_hold_for_another_name(authority: LocalAuthority, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake_hands(authority, authority.issue("smtp.agency.localhost"), "smtp.other.localhost", tmp_path)


@pytest.mark.parametrize("name", ["smtp.agency.com", "localhost.com", "com", ""])
def test_names_that_somebody_could_own_are_refused(authority: LocalAuthority, name: str) -> None:
    with pytest.raises(InvalidInput, match="reserved domains"):
        authority.issue(name)


def test_the_authority_itself_is_bound_to_reserved_names(authority: LocalAuthority) -> None:
    certificate = x509.load_pem_x509_certificate(authority.certificate_path.read_bytes())
    constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    permitted = {str(name.value) for name in constraints.value.permitted_subtrees or ()}
    assert permitted == {"localhost", "test", "example", "invalid"}


def test_the_same_authority_is_used_again(authority: LocalAuthority, tmp_path: Path) -> None:
    later = LocalAuthority(tmp_path / "authority")
    assert shake_hands(authority, later.issue("a.localhost"), "a.localhost", tmp_path) == "a.localhost"


def test_an_authority_near_its_end_is_founded_anew(tmp_path: Path) -> None:
    clock = StoppedClock(datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
    first = LocalAuthority(tmp_path, clock).certificate_path.read_bytes()
    clock.advance(datetime.timedelta(days=3650 - 396))
    assert LocalAuthority(tmp_path, clock).certificate_path.read_bytes() != first


def test_its_key_is_for_its_owner_alone(authority: LocalAuthority, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "authority" / "authority.key").stat().st_mode) == 0o600
