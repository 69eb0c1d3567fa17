"""What one SMTP transaction carries, and what came of it for each recipient."""

from dataclasses import dataclass
from enum import StrEnum

from platform_core.mail.replies import Reply
from platform_core.mail.tls import TlsTrust
from relay_worker.addresses.chooser import Source
from relay_worker.delivery.dkim import UNSIGNED, Signing
from relay_worker.queue.claims import Claimed


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message built and signed. `head` (down to the empty line) and `body` are dot-stuffed, and the body ends with the
    final dot; `size` counts octets without that.

    Copies for several recipients have one and the same `body`. `signing`: who signed it, for a server that needs it in
    another form, which is signed anew.
    """

    head: bytes
    body: bytes
    size: int
    body_8bit: bool
    headers_need_smtputf8: bool
    signing: Signing = UNSIGNED

    @property
    def wire(self) -> bytes:
        """Both in one piece, made anew."""
        return self.head + self.body


@dataclass(frozen=True, slots=True)
class Transaction:
    """One message for up to 100 recipients at one domain, under one return path ("" for the null sender).

    `requires_tls`: its account lets no mail go in clear. `source`: which of our addresses it leaves from, None where the
    system chooses; `provider`: the traffic rule of where it goes.
    """

    message: Outgoing
    mail_from: str
    recipients: tuple[Claimed, ...]
    requires_tls: bool = False
    source: Source | None = None
    provider: str = ""

    @property
    def needs_smtputf8(self) -> bool:
        """True when only a server with SMTPUTF8 can take it (RFC 6531 3.5)."""
        return self.message.headers_need_smtputf8 or not (
            self.mail_from.isascii() and all(recipient.rcpt_to.isascii() for recipient in self.recipients)
        )


class Stage(StrEnum):
    """How far a delivery came: the first reply that was not positive, or the final one, belongs to it."""

    ROUTE = "route"
    CONNECT = "connect"
    GREETING = "greeting"
    EHLO = "ehlo"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the remote said of one recipient, or what kept us from hearing it (then the reply is in our words).

    `source_address` is ours, "" where the system chose it. `shared` is how many recipients this one reply speaks for.
    `duration_ms` counts from the start of the transaction, or of the connection when this was its first. `reports`: the
    server has taken the message with what was asked about its delivery (RFC 3461), and sends the reports itself.
    """

    reply: Reply
    stage: Stage
    shared: int = 1
    remote_host: str = ""
    remote_address: str = ""
    source_address: str = ""
    tls_version: str = ""
    duration_ms: int = 0
    reports: bool = False
    tls_trust: TlsTrust = TlsTrust.NONE


# A fault of ours is never a bounce, and its details are for our log alone.
INTERNAL_FAULT = Answer(Reply(451, "4.3.0", "internal fault, the delivery is tried again"), Stage.ROUTE)
