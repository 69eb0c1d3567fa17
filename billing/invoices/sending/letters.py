"""The letter that brings an invoice, and sending all that are due in one seller's books."""

from dataclasses import dataclass

import structlog
from sqlalchemy.orm import Session

from billing.invoices.document import Document
from billing.invoices.papers import Paper, paper_of
from billing.invoices.queries import document_of, invoice_by_id
from billing.invoices.sending.services import DueLetter, mark_failed, mark_sent, take_due
from billing.invoices.words import words_in
from billing.letters.letterbox import Letterbox, open_letterbox
from billing.letters.posting import Post
from billing.letters.writing import Attachment, Letter, message_of, write_letter
from platform_core.clock import Clock
from platform_core.errors import FrankpostError, SenderNotVerified

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Mailroom:
    """What it takes to send: whose letters (`sender_rows`: a session inside that reseller), and through what."""

    sender_rows: Session | None
    post: Post
    clock: Clock


def send_due(session: Session, room: Mailroom) -> int:
    """Send what is due in the books of `session`; gives how many went out. Commits, and holds no lock while it sends."""
    due = take_due(session, room.clock.now())
    session.commit()
    sent = 0
    for letter in due:
        try:
            _send(session, letter, room)
        except FrankpostError as error:
            session.rollback()
            mark_failed(session, letter, str(error), clock=room.clock)
            log.warning("invoice.not_sent", invoice_id=letter.invoice_id, problem=str(error))
        else:
            mark_sent(session, letter, clock=room.clock)
            sent += 1
        session.commit()
    return sent


def invoice_letter(document: Document, paper: Paper) -> Letter:
    """In the language of the invoice."""
    attached = Attachment(paper.file_name, paper.media_type, paper.content)
    return write_letter(
        "invoice",
        [attached],
        paper=document,
        words=words_in(document.language),
        asks=document.corrects is None and document.due > 0,
    )


def _send(session: Session, due: DueLetter, room: Mailroom) -> None:
    document = document_of(invoice_by_id(session, due.invoice_id))
    letter = invoice_letter(document, paper_of(session, due.invoice_id))
    session.commit()  # the paper is kept, and no lock is held while the letter is queued
    box = _letterbox(room, document.seller.email)
    message = message_of(letter, box.sender, due.send_to, message_id=due.message_id, now=room.clock.now())
    room.post.post(message, box, due.send_to)


def _letterbox(room: Mailroom, answers_to: str) -> Letterbox:
    if room.sender_rows is None:
        raise SenderNotVerified(answers_to.rpartition("@")[2] or "The platform's own domain")
    try:
        return open_letterbox(room.sender_rows, answers_to=answers_to)
    finally:
        room.sender_rows.rollback()
