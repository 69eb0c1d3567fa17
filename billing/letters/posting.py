"""Puts a letter into the queue, as mail of the reseller itself: it costs nobody a credit, and is signed and delivered as all
mail is.
"""

from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from typing import Protocol

from sqlalchemy import text

from billing.letters.letterbox import Letterbox
from platform_core.clock import Clock
from platform_core.database import tenant_session
from platform_core.errors import InvalidInput, Unavailable
from platform_core.ids import new_message_id
from platform_core.mail.addresses import AddressSyntax, parse_address

_QUEUE = text("""
    SELECT queue_letter(:id, :at, :header_from, :rcpt_to, :subject, :message_id_header, :smtputf8, :body_8bit, :raw)
""")


class Post(Protocol):
    """Takes letters. Once `post` returns the letter is in the queue, durably."""

    def post(self, message: EmailMessage, letterbox: Letterbox, to: str) -> None:
        """Raises Unavailable where the reseller may not send, and InvalidInput for no address."""
        ...


class QueuePost:
    """`Post` into the queue of this installation. Needs an application context; commits each letter by itself."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def post(self, message: EmailMessage, letterbox: Letterbox, to: str) -> None:
        now, rcpt_to = self._clock.now(), _address(to)
        policy = SMTP if rcpt_to.isascii() else SMTPUTF8
        raw = message.as_bytes(policy=policy)
        row = {
            "id": new_message_id(now),
            "at": now,
            "header_from": letterbox.sender.address,
            "rcpt_to": rcpt_to,
            "subject": str(message["Subject"]),
            "message_id_header": str(message["Message-ID"]),
            "smtputf8": not rcpt_to.isascii(),
            "body_8bit": not raw.isascii(),
            "raw": raw,
        }
        with tenant_session(letterbox.reseller) as session:
            queued = session.scalar(_QUEUE, row)
            session.commit()
        if not queued:
            raise Unavailable("The letter can't go out: the reseller may not send.")


def _address(to: str) -> str:
    try:
        return str(parse_address(to))
    except AddressSyntax as error:
        raise InvalidInput("send_to", str(error)) from error
