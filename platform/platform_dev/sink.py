"""The demo's receiving mail server: takes all mail, keeps it in files, and says whether its DKIM signatures hold."""

import argparse
import asyncio
import json
import ssl
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from email.parser import BytesHeaderParser
from itertools import count
from pathlib import Path
from typing import Self

import dkim
import dns.exception
import dns.resolver
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from platform_core.clock import Clock, SystemClock
from platform_dev.authority import IssuedCertificate, LocalAuthority
from platform_dev.ports import LOOPBACK, free_port, require_free
from platform_dev.signals import wait_for_end

DNS_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Signature:
    """One DKIM-Signature and whether it holds (RFC 6376 6.1). `problem` is empty when it does."""

    domain: str
    selector: str
    valid: bool
    problem: str


@dataclass(frozen=True, slots=True)
class Letter:
    """What is known of a received message beside its octets, which lie in `<name>.eml`. `tls` is empty without TLS."""

    name: str
    received_at: str
    mail_from: str
    rcpt_to: tuple[str, ...]
    client_address: str
    client_helo: str
    tls: str
    size: int
    signatures: tuple[Signature, ...]

    @property
    def signed(self) -> bool:
        """There is a signature, and each one holds."""
        return bool(self.signatures) and all(signature.valid for signature in self.signatures)


class Mailbox:
    """A folder of received messages, in the manner of Maildir: written in `tmp`, complete in `new`.

    A message is there when its `.json` is; the `.eml` beside it came before.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for part in ("tmp", "new"):
            (folder / part).mkdir(parents=True, exist_ok=True)

    def keep(self, letter: Letter, raw: bytes) -> None:
        self._write(f"{letter.name}.eml", raw)
        self._write(f"{letter.name}.json", json.dumps(asdict(letter), indent=2).encode())

    def letters(self) -> Iterator[Letter]:
        """Oldest first."""
        for path in sorted((self.folder / "new").glob("*.json")):
            fields = json.loads(path.read_text())
            fields["rcpt_to"] = tuple(fields["rcpt_to"])
            fields["signatures"] = tuple(Signature(**signature) for signature in fields["signatures"])
            yield Letter(**fields)

    def raw(self, letter: Letter) -> bytes:
        """The message as it came over the wire, dot-stuffing removed."""
        return (self.folder / "new" / f"{letter.name}.eml").read_bytes()

    def _write(self, name: str, content: bytes) -> None:
        unfinished = self.folder / "tmp" / name
        unfinished.write_bytes(content)
        unfinished.rename(self.folder / "new" / name)


class MailSink:
    """A mail server on loopback with STARTTLS, in a thread of its own; a context manager.

    `nameserver` is `address:port` of where DKIM keys are looked up; without one no key is found.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        port: int = 0,
        *,
        certificate: IssuedCertificate | None = None,
        nameserver: str = "",
        host_name: str = "mx.localhost",
        clock: Clock | None = None,
    ) -> None:
        self.mailbox = mailbox
        self.port = port
        self._host_name = host_name
        self._tls = _server_context(certificate) if certificate else None
        self._handler = _Handler(mailbox, _Keys(nameserver), clock or SystemClock())

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when it answers. Raises ServerUnreachable when the port is taken."""
        self.port = self.port or free_port()
        require_free(self.port, purpose="the receiving mail server")
        self._controller = Controller(
            self._handler,
            hostname=LOOPBACK,
            port=self.port,
            server_hostname=self._host_name,
            ident="ESMTP",
            tls_context=self._tls,
            enable_SMTPUTF8=True,
            data_size_limit=0,
        )
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()


class _Handler:
    """aiosmtpd's hooks."""

    def __init__(self, mailbox: Mailbox, keys: "_Keys", clock: Clock) -> None:
        self._mailbox = mailbox
        self._keys = keys
        self._clock = clock
        self._numbers = count()

    async def handle_DATA(self, _: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        # Looking up keys blocks, so the checks run beside the conversations of others.
        name = await asyncio.to_thread(self._keep, session, envelope)
        return f"250 2.0.0 kept as {name}"

    def _keep(self, session: Session, envelope: Envelope) -> str:
        raw = bytes(envelope.original_content or b"")
        now = self._clock.now()
        letter = Letter(
            name=self._name(now),
            received_at=now.isoformat(),
            mail_from=envelope.mail_from or "",
            rcpt_to=tuple(envelope.rcpt_tos),
            client_address=str(session.peer[0]) if session.peer else "",
            client_helo=session.host_name or "",
            tls=_tls_version(session),
            size=len(raw),
            signatures=tuple(verify(raw, self._keys)),
        )
        self._mailbox.keep(letter, raw)
        return letter.name

    def _name(self, now: datetime) -> str:
        """Sorts by arrival, also of two in one microsecond and over restarts."""
        return f"{now:%Y%m%dT%H%M%S.%f}-{next(self._numbers):06}"


class _Keys:
    """Looks up DKIM keys; what dkimpy calls for a TXT record."""

    def __init__(self, nameserver: str) -> None:
        address, _, port = nameserver.rpartition(":")
        self._resolver = dns.resolver.Resolver(configure=False)
        self._resolver.nameservers = [address] if address else []
        self._resolver.port = int(port or 53)
        self._resolver.lifetime = DNS_SECONDS

    def find(self, name: bytes) -> bytes:
        """Raises dns.exception.DNSException when there is none. dkimpy would take that for a plain mismatch."""
        answer = self._resolver.resolve(name.decode("ascii"), "TXT")
        return b"".join(answer[0].strings)


def verify(raw: bytes, keys: _Keys) -> Iterator[Signature]:
    """Check each signature of the message, topmost first."""
    signatures = BytesHeaderParser().parsebytes(raw).get_all("DKIM-Signature", [])
    for index in range(len(signatures)):
        check = dkim.DKIM(raw)
        problem = _problem(check, index, keys)
        yield Signature(_text(check.domain), _text(check.selector), valid=not problem, problem=problem)


def _problem(check: dkim.DKIM, index: int, keys: _Keys) -> str:
    try:
        holds = check.verify(index, dnsfunc=lambda name, timeout: keys.find(name))
    except (dkim.DKIMException, dns.exception.DNSException) as error:
        return str(error) or type(error).__name__
    return "" if holds else "the signature does not match"


def _text(value: bytes | None) -> str:
    return (value or b"").decode("ascii", errors="replace")


def _tls_version(session: Session) -> str:
    """As Python names it, `TLSv1.3`; empty without TLS."""
    return str(session.ssl["ssl_object"].version()) if session.ssl else ""


def _server_context(certificate: IssuedCertificate) -> ssl.SSLContext:
    """Python loads certificates from files only; these are gone again when it has."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with tempfile.NamedTemporaryFile() as file:
        file.write(certificate.key + certificate.chain)
        file.flush()
        context.load_cert_chain(file.name)
    return context


def main() -> None:
    """`python -m platform_dev.sink --folder DIR --port N`, until it is told to end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where messages are kept")
    parser.add_argument("--port", type=int, required=True, help="port on loopback")
    parser.add_argument("--nameserver", default="", help="address:port to look up DKIM keys")
    parser.add_argument("--authority", type=Path, help="folder of the local authority; offers STARTTLS")
    parser.add_argument("--host-name", default="mx.localhost", help="name in greeting and certificate")
    options = parser.parse_args()
    certificate = LocalAuthority(options.authority).issue(options.host_name) if options.authority else None
    sink = MailSink(
        Mailbox(options.folder),
        options.port,
        certificate=certificate,
        nameserver=options.nameserver,
        host_name=options.host_name,
    )
    with sink:
        sys.stderr.write(f"The receiving mail server answers at {LOOPBACK}:{sink.port}.\n")
        wait_for_end()


if __name__ == "__main__":
    main()
