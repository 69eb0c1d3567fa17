"""Verbs on mail that came back, on the platform's session; each ends its own transactions."""

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from platform_core.errors import NotFound
from relay_worker.inbound.findings import Finding, NotUnderstood, UnreadMail, as_rows
from relay_worker.inbound.marks import InboundKind, Marks
from relay_worker.inbound.queries import inbound_mail
from relay_worker.inbound.reading import understand
from tenants.resellers.queries import reseller_by_id
from tenants.resellers.services import record_audit

AT_ONCE = 20
LEASE_SECONDS = 60  # after which somebody else reads what we have taken and not applied
MOST_TRIES = 3

_FOUND = "SELECT array_agg(f) FROM jsonb_populate_recordset(NULL::relay.feedback, CAST(:found AS jsonb)) f"
_TAKE = text("SELECT * FROM relay.take_inbound(:limit, :seconds)")
_APPLY = text(f"SELECT relay.apply_inbound(:id, coalesce(({_FOUND}), '{{}}'))")
_LEAVE = text("SELECT relay.leave_inbound(:id, :reason)")

log = structlog.get_logger()


def take_unread(session: Session) -> list[UnreadMail]:
    """The next mails to read, which nobody else gets for a minute."""
    rows = session.execute(_TAKE, {"limit": AT_ONCE, "seconds": LEASE_SECONDS}).all()
    session.commit()
    return [
        UnreadMail(
            id=row.id,
            reseller_id=row.reseller_id,
            kind=InboundKind(row.kind),
            mail_from=row.mail_from,
            rcpt_to=row.rcpt_to,
            client_address=row.client_address,
            received_at=row.received_at,
            raw=row.raw,
            tries=row.tries,
        )
        for row in rows
    ]


def read_and_apply(session: Session, mail: UnreadMail, marks: Marks) -> None:
    """Do what the mail says, in one transaction and once; or leave it to people with the reason.

    A fault, of ours or of the database, leaves it for another try in a minute; after the third to people.
    """
    try:
        apply_findings(session, mail, understand(mail, marks))
    except NotUnderstood as reason:
        leave_to_people(session, mail, str(reason))
    except Exception as error:
        session.rollback()
        log.exception("inbound.fault", inbound_id=mail.id, reseller_id=mail.reseller_id)
        if mail.tries >= MOST_TRIES:
            leave_to_people(session, mail, f"a fault of ours: {type(error).__name__}")


def apply_findings(session: Session, mail: UnreadMail, findings: tuple[Finding, ...]) -> str:
    """Apply what was found; what became of the mail, in the words of relay.apply_inbound. Twice has the effect of once."""
    found = as_rows(findings, at=mail.received_at, remote_address=mail.client_address)
    state = session.execute(_APPLY, {"id": mail.id, "found": found}).scalar_one()
    session.commit()
    log.info("inbound.read", inbound_id=mail.id, reseller_id=mail.reseller_id, kind=mail.kind, state=state)
    return str(state)


def leave_to_people(session: Session, mail: UnreadMail, reason: str) -> None:
    session.execute(_LEAVE, {"id": mail.id, "reason": reason})
    session.commit()
    log.info("inbound.left_to_people", inbound_id=mail.id, reseller_id=mail.reseller_id, reason=reason)


def mark_done(session: Session, inbound_id: int, *, actor: str) -> None:
    """People have dealt with a mail that was left to them; the caller commits. Raises NotFound."""
    found = session.execute(text("SELECT relay.close_inbound(:id)"), {"id": inbound_id}).scalar_one()
    if not found:
        raise NotFound(f"No mail {inbound_id} was left to people.")
    reseller_id = inbound_mail(session, inbound_id).line.reseller_id
    reseller = None if reseller_id is None else reseller_by_id(session, reseller_id).ref
    record_audit(session, actor, "inbound.done", reseller, inbound=str(inbound_id))


def read_again(session: Session, inbound_id: int) -> None:
    """Have a mail that was left to people read again; the caller commits. Raises NotFound."""
    found = session.execute(text("SELECT relay.read_inbound_again(:id)"), {"id": inbound_id}).scalar_one()
    if not found:
        raise NotFound(f"No mail {inbound_id} was left to people.")
