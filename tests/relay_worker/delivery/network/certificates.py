"""TLS of mail servers whose certificates nobody should trust."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from platform_core.clock import Clock, StoppedClock, SystemClock
from platform_dev.authority import LocalAuthority


def expired(folder: Path) -> ssl.SSLContext:
    """A certificate for the right name that ended long ago."""
    return server_context(folder, "mx.test", StoppedClock(datetime.now(UTC) - timedelta(days=800)))


def wrong_name(folder: Path) -> ssl.SSLContext:
    """A certificate of our time for another server."""
    return server_context(folder, "another.test", SystemClock())


def server_context(folder: Path, name: str, clock: Clock) -> ssl.SSLContext:
    certificate = LocalAuthority(folder / "authority", clock).issue(name)
    pem = folder / "server.pem"
    pem.write_bytes(certificate.key + certificate.chain)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    return context
