"""The list of e-mails, one line for each recipient, and one recipient's whole history."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, TextClause, text
from sqlalchemy.orm import Session

from platform_core.errors import NotFound
from platform_core.ids import AccountId, MessageId
from platform_core.mail.states import BounceKind, EventKind, RecipientState
from platform_core.mail.tls import TlsTrust
from relay_worker.bounces.classes import OutcomeClass


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the list, newest first: the recipient `n` of a message. Its text is what a link carries."""

    message_id: MessageId
    n: int

    def __str__(self) -> str:
        return f"{self.message_id}.{self.n}"

    @classmethod
    def parse(cls, written: str) -> "Place | None":
        """The place that `written` names; None for anything else."""
        message_id, _, n = written.partition(".")
        try:
            return (
                cls(MessageId(UUID(message_id)), int(n))
                if n.isascii() and n.isdigit() and len(n) < 6
                else None
            )
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person looks for: a state, and text to be found in subject, sender or recipient."""

    state: RecipientState | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class EmailLine:
    """One recipient of one message, as the list shows it. `outcome`: why it stands where it does, None without a reason."""

    place: Place
    subject: str
    header_from: str
    rcpt_to: str
    received_at: datetime
    state: RecipientState
    bounce_kind: BounceKind | None
    next_at: datetime | None
    outcome: OutcomeClass | None


@dataclass(frozen=True, slots=True)
class EmailPage:
    """A page of the list; `older` is where the next one begins, None on the last."""

    lines: tuple[EmailLine, ...]
    older: Place | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One event: what the remote server said, why nothing was sent, or what came back. Texts are as the remote wrote them."""

    at: datetime
    kind: EventKind
    bounce_kind: BounceKind | None
    reply_code: int
    enhanced_code: str
    reply_text: str
    remote_host: str
    remote_address: str
    tls_version: str
    duration_ms: int
    next_at: datetime | None
    outcome: OutcomeClass | None
    tls_trust: TlsTrust = TlsTrust.NONE


@dataclass(frozen=True, slots=True)
class EmailHistory:
    """Everything known about one recipient of one message. `size` in bytes; attempts oldest first."""

    line: EmailLine
    mail_from: str
    message_id_header: str
    size: int
    recipients: int
    client_address: str
    client_helo: str
    tls_version: str
    smtp_account: str
    attempts: tuple[Attempt, ...]


# A newer worker may write what this process does not know yet.
_OUTCOMES = frozenset(OutcomeClass)
_TRUSTS = frozenset(TlsTrust)

_LINE = """m.id, r.n, m.subject, m.header_from, r.rcpt_to, m.received_at, r.state, r.bounce_kind, r.next_at,
    r.outcome_class"""

# Walks the account's messages from the newest back (index message_account) and stops when the page is full. An empty
# filter is always true, so that one statement serves all.
_PAGE = text(f"""
    SELECT {_LINE} FROM message m JOIN recipient r ON r.message_id = m.id
    WHERE m.account_id = :account_id AND r.account_id = :account_id
      AND (CAST(:before AS uuid) IS NULL OR m.id <= :before)
      AND (CAST(:before AS uuid) IS NULL OR (m.id, -r.n) < (:before, -CAST(:n AS integer)))
      AND (CAST(:state AS text) IS NULL OR r.state = :state)
      AND (:text = '' OR m.subject ILIKE :pattern OR r.rcpt_to ILIKE :pattern OR m.header_from ILIKE :pattern)
    ORDER BY m.id DESC, r.n
    LIMIT :most
""")  # noqa: S608 - a list of columns, no input

_ONE = text(f"""
    SELECT {_LINE}, m.mail_from, m.message_id_header, m.size, m.recipients, m.client_address, m.client_helo,
           m.tls_version, coalesce(c.name, '') AS smtp_account
    FROM message m JOIN recipient r ON r.message_id = m.id
    LEFT JOIN smtp_account c ON c.id = m.smtp_account_id
    WHERE m.id = :id AND m.account_id = :account_id AND r.n = :n
""")  # noqa: S608 - a list of columns, no input

_ATTEMPTS = text("""
    SELECT at, kind, bounce_kind, reply_code, enhanced_code, reply_text, remote_host, remote_address, tls_version,
           duration_ms, next_at, outcome_class, tls_trust
    FROM event WHERE message_id = :id AND n = :n AND account_id = :account_id ORDER BY at
""")


def emails(
    session: Session, account_id: AccountId, wanted: Wanted, *, before: Place | None = None, most: int = 50
) -> EmailPage:
    """The account's e-mails from `before` backwards (exclusive), newest first, `most` at the most."""
    found = session.execute(
        _PAGE,
        {
            "account_id": account_id,
            "before": before.message_id if before else None,
            "n": before.n if before else 0,
            "state": wanted.state,
            "text": wanted.text,
            "pattern": f"%{_without_wildcards(wanted.text)}%",
            "most": most + 1,
        },
    ).all()
    lines = tuple(_line(row) for row in found[:most])
    return EmailPage(lines, lines[-1].place if len(found) > most else None)


def email_history(session: Session, account_id: AccountId, place: Place) -> EmailHistory:
    """One e-mail of the account. Raises NotFound, also for another account's."""
    key = {"id": place.message_id, "n": place.n, "account_id": account_id}
    row = session.execute(_ONE, key).one_or_none()
    if row is None:
        raise NotFound("There is no such e-mail.")
    return EmailHistory(
        line=_line(row),
        mail_from=row.mail_from,
        message_id_header=row.message_id_header,
        size=row.size,
        recipients=row.recipients,
        client_address=row.client_address,
        client_helo=row.client_helo,
        tls_version=row.tls_version,
        smtp_account=row.smtp_account,
        attempts=tuple(_attempts(session, _ATTEMPTS, key)),
    )


def _attempts(session: Session, statement: TextClause, key: dict[str, object]) -> list[Attempt]:
    return [
        Attempt(
            at=row.at,
            kind=EventKind(row.kind),
            bounce_kind=BounceKind(row.bounce_kind) if row.bounce_kind else None,
            reply_code=row.reply_code,
            enhanced_code=row.enhanced_code,
            reply_text=row.reply_text,
            remote_host=row.remote_host,
            remote_address=row.remote_address,
            tls_version=row.tls_version,
            duration_ms=row.duration_ms,
            next_at=row.next_at,
            outcome=_outcome(row.outcome_class),
            tls_trust=TlsTrust(row.tls_trust) if row.tls_trust in _TRUSTS else TlsTrust.NONE,
        )
        for row in session.execute(statement, key)
    ]


def _line(row: Row[tuple[object, ...]]) -> EmailLine:
    return EmailLine(
        place=Place(MessageId(row.id), row.n),
        subject=row.subject,
        header_from=row.header_from,
        rcpt_to=row.rcpt_to,
        received_at=row.received_at,
        state=RecipientState(row.state),
        bounce_kind=BounceKind(row.bounce_kind) if row.bounce_kind else None,
        next_at=row.next_at,
        outcome=_outcome(row.outcome_class),
    )


def _outcome(stored: str) -> OutcomeClass | None:
    return OutcomeClass(stored) if stored in _OUTCOMES else None


def _without_wildcards(text_: str) -> str:
    """`text_` for ILIKE, its own % and _ meaning themselves."""
    return text_.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
