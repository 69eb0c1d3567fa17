"""TLSA records against chains of certificates."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from platform_dev.authority import IssuedCertificate, LocalAuthority
from relay_worker.delivery.tls.tlsa import HostTlsa, Tlsa

HOST = "mx.shop.test"
COMBINATIONS = [(selector, matching) for selector in (0, 1) for matching in (0, 1, 2)]


def chain(issued: IssuedCertificate) -> list[bytes]:
    return [
        certificate.public_bytes(Encoding.DER)
        for certificate in x509.load_pem_x509_certificates(issued.chain)
    ]


def tlsa(usage: int, selector: int, matching: int, der: bytes) -> Tlsa:
    """As the owner of the certificate would publish it."""
    key = x509.load_der_x509_certificate(der).public_key()
    selected = der if selector == 0 else key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    digest = {0: selected, 1: hashlib.sha256(selected).digest(), 2: hashlib.sha512(selected).digest()}
    return Tlsa(usage, selector, matching, digest[matching])


def vouches(record: Tlsa, shown: list[bytes], *names: str) -> bool:
    return HostTlsa(HOST, HOST, names or (HOST,), (record,)).vouches_for(shown)


@pytest.mark.parametrize(("selector", "matching"), COMBINATIONS)
def test_the_servers_own_certificate_or_key_is_recognised(
    selector: int, matching: int, authority: LocalAuthority
) -> None:
    ours, another = chain(authority.issue(HOST)), chain(authority.issue(HOST))
    assert vouches(tlsa(3, selector, matching, ours[0]), ours)
    assert not vouches(tlsa(3, selector, matching, ours[0]), another)


def test_for_the_servers_own_key_neither_name_nor_date_nor_authority_matters(
    expired: IssuedCertificate,
) -> None:
    (server, *_) = chain(expired)
    assert vouches(tlsa(3, 1, 1, server), [server], "another.test")


@pytest.mark.parametrize(("selector", "matching"), COMBINATIONS)
def test_an_authority_that_the_server_shows_is_recognised(
    selector: int, matching: int, authority: LocalAuthority, stranger: LocalAuthority
) -> None:
    ours, theirs = chain(authority.issue(HOST)), chain(stranger.issue(HOST))
    assert vouches(tlsa(2, selector, matching, ours[1]), ours)
    assert not vouches(tlsa(2, selector, matching, ours[1]), theirs)


def test_an_authority_vouches_for_its_own_signatures_only(
    authority: LocalAuthority, stranger: LocalAuthority
) -> None:
    """Anyone can show the right authority's certificate beside one that it never signed."""
    anchor, forged = chain(authority.issue(HOST))[1], chain(stranger.issue(HOST))[0]
    assert not vouches(tlsa(2, 1, 1, anchor), [forged, anchor])


def test_an_authority_vouches_for_the_right_name_only(authority: LocalAuthority) -> None:
    shown = chain(authority.issue("other.shop.test"))
    record = tlsa(2, 1, 1, shown[1])
    assert not vouches(record, shown)
    assert vouches(record, shown, HOST, "other.shop.test")


def test_an_authority_does_not_vouch_for_what_has_expired(expired: IssuedCertificate) -> None:
    shown = chain(expired)
    assert not vouches(tlsa(2, 1, 1, shown[1]), shown)


def test_an_authority_in_the_record_itself_need_not_be_shown(authority: LocalAuthority) -> None:
    server, anchor = chain(authority.issue(HOST))
    assert vouches(tlsa(2, 0, 0, anchor), [server])
    assert not vouches(tlsa(2, 0, 1, anchor), [server])


def test_an_authority_record_does_not_mean_the_servers_own_certificate(authority: LocalAuthority) -> None:
    server, anchor = chain(authority.issue(HOST))
    assert not vouches(tlsa(2, 1, 1, server), [server, anchor])
    assert not vouches(tlsa(3, 1, 1, anchor), [server, anchor])


@dataclass(frozen=True)
class Made:
    """A certificate with its key, and no more in it than is asked for: as openssl and such tools make them."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


def make(name: str, by: Made | None, *extensions: x509.ExtensionType) -> Made:
    """`by`: whose key signs it, None for its own."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(
            by.certificate.subject if by else x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        )
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return Made(builder.sign(by.key if by else key, SHA256()), key)


AUTHORITY = x509.BasicConstraints(ca=True, path_length=None)
AT_HOST = x509.SubjectAlternativeName([x509.DNSName(HOST)])
ONLY_SIGNATURES = x509.KeyUsage(True, False, False, False, False, False, False, False, False)


def test_an_authority_of_ones_own_need_not_look_like_a_public_one() -> None:
    authority = make("Mail authority", None, AUTHORITY)
    server = make(HOST, authority, AT_HOST)
    assert vouches(tlsa(2, 1, 1, authority.der), [server.der, authority.der])
    assert not vouches(tlsa(2, 1, 1, authority.der), [server.der, authority.der], "other.shop.test")


@pytest.mark.parametrize(
    "between",
    [(), (x509.BasicConstraints(ca=False, path_length=None),), (AUTHORITY, ONLY_SIGNATURES)],
    ids=["no word of it", "no authority", "no authority by its key"],
)
def test_who_has_a_certificate_of_the_authority_is_none_itself(
    between: tuple[x509.ExtensionType, ...],
) -> None:
    authority = make("Mail authority", None, AUTHORITY)
    customer = make(
        "customer.test", authority, x509.SubjectAlternativeName([x509.DNSName("customer.test")]), *between
    )
    server = make(HOST, customer, AT_HOST)
    assert not vouches(tlsa(2, 1, 1, authority.der), [server.der, customer.der, authority.der])


@pytest.mark.parametrize("length", [0, 1])
def test_an_authority_says_how_many_more_may_come_below_it(length: int) -> None:
    authority = make("Mail authority", None, x509.BasicConstraints(ca=True, path_length=length))
    below = make("Office authority", authority, AUTHORITY)
    server = make(HOST, below, AT_HOST)
    assert vouches(tlsa(2, 1, 1, authority.der), [server.der, below.der, authority.der]) == (length == 1)


@pytest.mark.parametrize(
    "record",
    [
        Tlsa(0, 1, 1, bytes(32)),
        Tlsa(1, 1, 1, bytes(32)),
        Tlsa(4, 1, 1, bytes(32)),
        Tlsa(3, 2, 1, bytes(32)),
        Tlsa(3, 1, 3, bytes(32)),
        Tlsa(3, 1, 1, bytes(31)),
        Tlsa(3, 1, 2, bytes(32)),
    ],
)
def test_records_that_mail_has_no_use_for_are_unusable(record: Tlsa) -> None:
    assert not record.usable
    assert HostTlsa(HOST, HOST, (HOST,), (record,)).usable == ()


@pytest.mark.parametrize("shown", [[], [b"no certificate"]])
def test_a_server_that_shows_nothing_readable_proves_nothing(
    shown: list[bytes], authority: LocalAuthority
) -> None:
    assert not vouches(tlsa(3, 1, 1, chain(authority.issue(HOST))[0]), shown)


def test_one_unreadable_record_does_not_spoil_the_others(authority: LocalAuthority) -> None:
    shown = chain(authority.issue(HOST))
    records = (Tlsa(2, 0, 0, b"no certificate"), tlsa(2, 1, 1, shown[1]))
    assert HostTlsa(HOST, HOST, (HOST,), records).vouches_for(shown)
