"""What goes through the door into Postgres at acceptance: a submission in, a verdict out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from platform_core.ids import AccountId, MessageId, ResellerId, SmtpAccountId


@dataclass(frozen=True, slots=True)
class Route:
    """What one SMTP user name leads to. `domains`: the account's verified sending domains, lower-case A-labels."""

    user_name: str
    reseller_id: ResellerId
    reseller_active: bool
    account_id: AccountId
    account_active: bool
    smtp_account_id: SmtpAccountId
    credential_active: bool
    verifier: bytes
    domains: frozenset[str]
    smtp_host: str


@dataclass(frozen=True, slots=True)
class SmtpHostname:
    """A name that the relay answers to. Certificate chain and key are PEM; the key is sealed (`security.Seal`)."""

    name: str
    reseller_id: ResellerId
    certificate: bytes | None
    sealed_key: bytes | None


@dataclass(frozen=True, slots=True)
class Submission:
    """One message with its envelope, complete and checked, ready to be written.

    `mail_from` is "" for the null sender; addresses have their domain in A-labels. `raw` has CRLF line ends and begins
    with our own `Received`. `subject` is decoded, at most 500 characters. `size` counts the octets of `raw`.
    What the sender asks about delivery (RFC 3461): `envelope_id` is ENVID, `dsn_return` RET, `rcpt_dsn` one text for each
    recipient with its NOTIFY and ORCPT as given, or () when none has any.
    """

    message_id: MessageId
    reseller_id: ResellerId
    account_id: AccountId
    smtp_account_id: SmtpAccountId
    received_at: datetime
    mail_from: str
    rcpt_to: tuple[str, ...]
    header_from: str
    subject: str
    message_id_header: str
    smtputf8: bool
    body_8bit: bool
    client_address: str
    client_helo: str
    tls_version: str
    raw: bytes
    envelope_id: str = ""
    dsn_return: str = ""
    rcpt_dsn: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        return len(self.raw)


class Verdict(StrEnum):
    """What became of a submission. Everything but ACCEPTED wrote no `due` row and cost nothing.

    HELD is durable like ACCEPTED: the account's quota doesn't cover it, and it waits until it does.
    """

    ACCEPTED = "accepted"
    HELD = "held"
    RESELLER_SUSPENDED = "reseller_suspended"
    ACCOUNT_SUSPENDED = "account_suspended"
    CREDENTIAL_SUSPENDED = "credential_suspended"
    CAP_REACHED = "cap_reached"
    DAILY_CAP_REACHED = "daily_cap_reached"
    RATE_REACHED = "rate_reached"  # for the moment: the same message goes a minute later
    CREDITS_EXHAUSTED = "credits_exhausted"
    RECIPIENTS_SUPPRESSED = "recipients_suppressed"
    TEMPORARY_FAULT = "temporary_fault"  # ours, and of this message alone: the rest of its batch stands


class Door(Protocol):
    """The relay's only way into the database."""

    async def route(self, user_name: str) -> Route | None:
        """Where this user name leads; None when nobody has it. Raises Unavailable."""
        ...

    async def hostnames(self) -> list[SmtpHostname]:
        """Every SMTP hostname of every reseller. Raises Unavailable."""
        ...

    async def ingest(self, batch: Sequence[Submission]) -> list[Verdict]:
        """Write the batch in one transaction; a verdict for each, in order. Durable when it returns.

        Raises Unavailable when nothing can be said of the batch; calling again with the same message ids is safe.
        """
        ...
