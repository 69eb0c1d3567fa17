"""What goes through the door at delivery: claimed recipients out, results in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from platform_core.ids import AccountId, MessageId, ResellerId
from platform_core.mail.states import BounceKind, RecipientState
from platform_core.mail.tls import TlsTrust


@dataclass(frozen=True, slots=True)
class Claimed:
    """One due recipient under our lease. `n` numbers the recipients of a message from 0; `lane` is a 32-bit hash.

    `raw` is there for the first recipient of each message in a claim, when it is not large; otherwise None.
    `envelope_id`, `dsn_return` and `dsn` are what the sender asked for (RFC 3461): ENVID, RET, and this recipient's NOTIFY
    and ORCPT as they were given; "" without. `suppressed`: since the message was accepted, and so not to be sent to.
    """

    reseller_id: ResellerId
    account_id: AccountId
    message_id: MessageId
    n: int
    lane: int
    rcpt_to: str
    domain: str
    attempts: int
    accepted_at: datetime
    expires_at: datetime
    mail_from: str
    header_from: str
    smtputf8: bool
    body_8bit: bool
    size: int
    raw: bytes | None
    envelope_id: str = ""
    dsn_return: str = ""
    dsn: str = ""
    suppressed: bool = False


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A DKIM key: PEM under `security.Seal`, and the name where its public half is found."""

    domain: str
    selector: str
    sealed: bytes


@dataclass(frozen=True, slots=True)
class SenderIdentity:
    """Whose mark a message bears. `sealed_key`: PEM private key under `security.Seal`; None when the domain has none.

    `return_path_host` is where bounces come back; `smtp_host` is the reseller's own name in every trace we leave;
    `tracking_host` has its pages for recipients, "" without. `second` signs beside the domain: the reseller's own.
    `list_unsubscribe` and `require_tls` are what the account asks of all its mail.
    """

    signing_domain: str
    selector: str
    sealed_key: bytes | None
    return_path_host: str
    smtp_host: str
    tracking_host: str = ""
    second: SealedKey | None = None
    list_unsubscribe: bool = False
    require_tls: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What one attempt came to. `next_at` is set exactly when `state` is DEFERRED; `duration_ms` from connect to reply;
    `outcome_class` why it was no delivery; `source_address` ours, "" where the system chose it; `tls_trust` what has
    vouched for the server.
    """

    reseller_id: ResellerId
    message_id: MessageId
    n: int
    at: datetime
    state: RecipientState
    bounce_kind: BounceKind | None
    reply_code: int
    enhanced_code: str
    reply_text: str
    remote_host: str
    remote_address: str
    tls_version: str
    duration_ms: int
    next_at: datetime | None
    outcome_class: str = ""
    source_address: str = ""
    tls_trust: TlsTrust = TlsTrust.NONE


class Claims(Protocol):
    """A delivery worker's only way into the database. Every method raises Unavailable on a database fault."""

    async def claim(self, limit: int, *, exclude_lanes: Sequence[int] = ()) -> list[Claimed]:
        """Up to `limit` due recipients, fair among resellers and lanes, leased to this worker."""
        ...

    async def body(self, reseller_id: ResellerId, message_id: MessageId) -> bytes:
        """The message as it was accepted."""
        ...

    async def sender(self, reseller_id: ResellerId, account_id: AccountId, domain: str) -> SenderIdentity:
        """The identity for mail of this account whose header From is at `domain`."""
        ...

    async def finish(self, results: Sequence[Result]) -> None:
        """Log the results in one transaction; ends or reschedules what was claimed."""
        ...

    async def postpone(self, recipients: Sequence[tuple[MessageId, int]], until: Sequence[datetime]) -> None:
        """Put back what we hold, each to become due at its time. It counts as no attempt."""
        ...

    async def hand_over(self, recipients: Sequence[tuple[MessageId, int]], addresses: Sequence[int]) -> None:
        """Leave what we hold to a worker that has the address, each with its id. It counts as no attempt."""
        ...

    async def claim_handed(
        self, limit: int, addresses: Sequence[int], *, exclude_lanes: Sequence[int] = ()
    ) -> list[Claimed]:
        """Like `claim`, of what was handed over for one of these addresses."""
        ...

    async def post(self, older: timedelta = timedelta()) -> int:
        """Have the resellers' rows told what was logged, by whomever, once the oldest of it is `older` old; how many entries
        of the log that were.
        """
        ...

    async def renew(self, recipients: Sequence[tuple[MessageId, int]]) -> None:
        """Keep the lease on these for another term."""
        ...
