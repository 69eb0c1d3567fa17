"""Certificates: one TLS context for each hostname, chosen by SNI (RFC 6066 3), kept fresh while the relay runs."""

import asyncio
import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from platform_core.errors import FrankpostError, Unavailable
from platform_core.security import Seal
from relay_worker.queue.door import Door, SmtpHostname

REFRESH_EVERY = 10  # seconds

log = structlog.get_logger()


class HostContext(ssl.SSLContext):
    """A server context that knows whose it is; a session asks it for the name to greet with."""

    host: str


def host_context(host: str, chain_and_key: bytes) -> HostContext:
    """A context for `host` from PEM: private key and certificate chain. Raises ssl.SSLError when they don't fit."""
    context = HostContext(ssl.PROTOCOL_TLS_SERVER)
    context.host = host
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    # OpenSSL reads certificates from files only. A file in memory keeps the key off every disk.
    descriptor = os.memfd_create("certificate")
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(chain_and_key)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password=_no_password)
    finally:
        os.close(descriptor)
    return context


def _no_password() -> str:
    """Without this OpenSSL would ask the terminal for the password of an encrypted key."""
    return ""


def self_signed(host: str) -> bytes:
    """Key and certificate (PEM, P-256, ten years) for a relay without a certificate of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ) + certificate.public_bytes(serialization.Encoding.PEM)


def default_certificate(host: str, certificate: Path | None, key: Path | None) -> bytes:
    """PEM of the files set, else self-signed. Raises OSError when a file can't be read."""
    if certificate is None:
        return self_signed(host)
    return (key.read_bytes() + b"\n" if key else b"") + certificate.read_bytes()


class Certificates:
    """The context for each name. A name without a usable certificate gets the default one under its own name."""

    def __init__(self, door: Door, seal: Seal, neutral_host: str, default: bytes) -> None:
        self._door = door
        self._seal = seal
        self._default_pem = default
        self._known: dict[str, SmtpHostname] = {}
        self._contexts: dict[str, HostContext] = {}
        self.default = host_context(neutral_host, default)
        self.default.sni_callback = self._choose

    def _choose(self, connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
        context = self._contexts.get((name or "").lower().removesuffix("."))
        if context is not None:
            connection.context = context

    async def refresh_for_ever(self) -> None:
        """Refresh every ten seconds; a fault leaves everything as it is. Ends by cancellation."""
        while True:
            await asyncio.sleep(REFRESH_EVERY)
            try:
                await self.refresh()
            except Exception as error:
                log.warning("relay.hostnames_unknown", error=type(error).__name__)

    async def refresh(self) -> None:
        """Take over the hostnames of the database. Raises Unavailable.

        Opening keys and making contexts takes a millisecond each, so it happens on a thread, for changed names only.
        """
        hostnames = {hostname.name.lower(): hostname for hostname in await self._door.hostnames()}
        changed = [hostname for name, hostname in hostnames.items() if self._known.get(name) != hostname]
        if changed:
            self._contexts |= await asyncio.to_thread(self._make_contexts, changed)
        for name in self._contexts.keys() - hostnames.keys():
            del self._contexts[name]
        self._known = hostnames

    def _make_contexts(self, hostnames: list[SmtpHostname]) -> dict[str, HostContext]:
        return {hostname.name.lower(): self._make_context(hostname) for hostname in hostnames}

    def _make_context(self, hostname: SmtpHostname) -> HostContext:
        try:
            return host_context(hostname.name.lower(), self._pem(hostname))
        except (ssl.SSLError, FrankpostError) as error:
            log.error("relay.certificate_unusable", host=hostname.name, error=str(error))
            return host_context(hostname.name.lower(), self._default_pem)

    def _pem(self, hostname: SmtpHostname) -> bytes:
        if hostname.certificate is None:
            return self._default_pem
        if hostname.sealed_key is None:
            raise Unavailable("The certificate has no key.")
        return self._seal.open(hostname.sealed_key) + b"\n" + hostname.certificate
