"""Writes delivery reports: multipart/report (RFC 6522) with a delivery status (RFC 3464), in the reseller's name."""

from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import Message, MIMEPart
from email.mime.multipart import MIMEMultipart
from email.parser import BytesHeaderParser
from email.policy import SMTP, SMTPUTF8, compat32
from email.utils import format_datetime

from platform_core.ids import MessageId
from platform_core.mail.dsn import decode_xtext, encode_utf8_address
from platform_core.mail.states import RecipientState
from relay_worker.bounces.report import Action
from relay_worker.notices.due import Fate, NoticeDue
from relay_worker.notices.words import explain, subject_of

MAILBOX = "postmaster"  # RFC 5321 4.5.1: every host that sends mail reads what comes there
LONGEST_DIAGNOSTIC = 900  # characters: with its name in front it must fit on a line of 998 octets
_WIRE = compat32.clone(linesep="\r\n")


def answers_a_report(due: NoticeDue) -> bool:
    """True when the message is a report itself, which some send with an envelope sender: no report answers another."""
    header = BytesHeaderParser(policy=_WIRE).parsebytes(due.original or b"")
    return header.get_content_type() == "multipart/report"


def write_report(due: NoticeDue, report_id: MessageId, *, now: datetime, patience: timedelta) -> bytes:
    """The report as a message with CRLF line ends. `patience`: how long after acceptance delivery is tried."""
    policy = (SMTP if due.mail_from.isascii() else SMTPUTF8).clone(refold_source="none")
    report = MIMEMultipart("report", report_type="delivery-status", policy=policy)
    report["From"] = str(Address(f"{due.company_name} Mail Delivery", MAILBOX, due.host))
    report["To"] = due.mail_from
    report["Subject"] = subject_of(due.action)
    report["Date"] = format_datetime(now)
    report["Message-ID"] = f"<{report_id}@{due.host}>"
    report["Auto-Submitted"] = "auto-replied"  # RFC 3834 5: no automatic answer to this, please
    report.attach(_text(explain(due)))
    report.attach(_status(due, now, patience))
    boundary = f"=_{report_id}"
    report.set_boundary(boundary)
    # The last part is put in as octets: what the email package takes apart it can't always put together again, and a
    # report that can't be written would be in the way of all others.
    delimiter, end = f"--{boundary}\r\n".encode(), f"--{boundary}--\r\n".encode()
    written = report.as_bytes(policy=policy).removesuffix(end)
    return b"".join([written, delimiter, _original(due), b"\r\n", end])


def _text(words: str) -> Message:
    part = MIMEPart(policy=SMTP)
    part.set_content(words, cte="7bit" if words.isascii() else "quoted-printable")
    return part


def _status(due: NoticeDue, now: datetime, patience: timedelta) -> Message:
    """The machine-readable part: a block on the message, and one on each recipient (RFC 3464 2.1)."""
    of_message = Message(policy=_WIRE)
    if due.envelope_id:
        of_message["Original-Envelope-Id"] = decode_xtext(due.envelope_id)
    of_message["Reporting-MTA"] = f"dns; {due.smtp_host}"
    of_message["Arrival-Date"] = format_datetime(due.received_at)
    part = Message(policy=_WIRE)
    part["Content-Type"] = "message/delivery-status"
    part.set_payload([of_message, *(_of_recipient(due, fate, patience) for fate in due.recipients)])
    return part


def _of_recipient(due: NoticeDue, fate: Fate, patience: timedelta) -> Message:
    block = Message(policy=_WIRE)
    kind, original = fate.asked.original_recipient
    if original:
        block["Original-Recipient"] = f"{kind}; {_in_ascii(original)}"
    kind = "rfc822" if fate.rcpt_to.isascii() else "utf-8"
    block["Final-Recipient"] = f"{kind}; {_in_ascii(fate.rcpt_to)}"
    block["Action"] = due.action.value
    block["Status"] = status_of(due.action, fate)
    if fate.remote_host:
        block["Remote-MTA"] = f"dns; {fate.remote_host}"
    if fate.diagnostic:
        words = " ".join(fate.diagnostic.split())[:LONGEST_DIAGNOSTIC]
        block["Diagnostic-Code"] = f"smtp; {words.encode('ascii', 'replace').decode()}"
    block["Last-Attempt-Date"] = format_datetime(fate.at)
    if due.action is Action.DELAYED:
        block["Will-Retry-Until"] = format_datetime(due.received_at + patience)
    return block


def status_of(action: Action, fate: Fate) -> str:
    """The enhanced code that says it (RFC 3463): the remote's own where it fits the action.

    A suppressed address is to us what a disabled mailbox is (5.2.1, as at acceptance); mail that staff withdrew is policy.

    What has expired has failed by a code that begins with 4, since nobody has refused it for good (RFC 3463 3.5).
    """
    if action is Action.DELAYED:
        return fate.status if fate.status.startswith("4.") else "4.0.0"
    if action is not Action.FAILED:
        return "2.0.0"
    if fate.state is RecipientState.EXPIRED:
        return "4.4.7"
    if fate.state is RecipientState.DROPPED:
        return "5.2.1" if fate.outcome is None else "5.7.0"
    return fate.status if fate.status.startswith("5.") else "5.0.0"


def _original(due: NoticeDue) -> bytes:
    """What was sent: whole where the sender wants that (RFC 3461 4.3), else its header, else what is known of that."""
    if due.whole and due.original is not None:
        encoding = b"" if due.original.isascii() else b"Content-Transfer-Encoding: 8bit\r\n"
        return b"Content-Type: message/rfc822\r\n" + encoding + b"\r\n" + due.original
    header = _known_header(due) if due.original is None else _header_of(due.original)
    part = MIMEPart(policy=SMTP)
    part.set_content(header, subtype="rfc822-headers", cte="7bit" if header.isascii() else "quoted-printable")
    return part.as_bytes()


def _header_of(raw: bytes) -> str:
    header = raw.partition(b"\r\n\r\n")[0]
    return header.decode("utf-8", "replace").replace("\r\n", "\n") + "\n"


def _known_header(due: NoticeDue) -> str:
    fields = {"From": due.header_from, "Subject": due.subject, "Message-ID": due.message_id_header}
    return "".join(f"{name}: {value}\n" for name, value in fields.items() if value)


def _in_ascii(address: str) -> str:
    return address if address.isascii() else encode_utf8_address(address)
