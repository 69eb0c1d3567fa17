"""Writes a letter from its folder in the theme, `mails/<name>/`: subject, text and HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from billing.letters.letterbox import Sender
from platform_core.settings import ROOT

MAILS = ROOT / "themes" / "default" / "mails"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a letter; `media_type` as `application/pdf`."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """What somebody is written."""

    subject: str
    text: str
    html: str
    attachments: Sequence[Attachment] = ()


def write_letter(name: str, attachments: Sequence[Attachment] = (), **values: object) -> Letter:
    """The letter of that folder; every value that its templates name must be given."""
    return Letter(
        subject=" ".join(_templates().get_template(f"{name}/subject.txt").render(values).split()),
        text=_templates().get_template(f"{name}/text.txt").render(values).strip() + "\n",
        html=_templates().get_template(f"{name}/page.html").render(values),
        attachments=tuple(attachments),
    )


def message_of(letter: Letter, sender: Sender, to: str, *, message_id: str, now: datetime) -> EmailMessage:
    """The message, with CRLF line ends when it is sent. `message_id` is unique at the sender's domain, without it."""
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(sender.name, addr_spec=sender.address)
    message["To"] = to
    if sender.reply_to and sender.reply_to != sender.address:
        message["Reply-To"] = sender.reply_to
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{message_id}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834 5: no vacation notes, please
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    for one in letter.attachments:
        kind, _, subtype = one.media_type.partition("/")
        message.add_attachment(one.content, maintype=kind, subtype=subtype, filename=one.name)
    return message


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(MAILS),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
