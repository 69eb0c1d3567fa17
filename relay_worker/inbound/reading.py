"""Reading mail that came back: from its octets to what it says of which recipient."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from platform_core.mail.addresses import AddressSyntax, parse_address
from platform_core.mail.states import EventKind
from relay_worker.bounces.arf import FeedbackReport, FeedbackType, is_feedback_report, read_feedback
from relay_worker.bounces.dsn import read_report
from relay_worker.bounces.report import Action, RecipientReport, ReportKind
from relay_worker.inbound.findings import Finding, NotUnderstood, OurMessage, UnreadMail
from relay_worker.inbound.marks import Addressee, InboundKind, Mark, Marks

Reading = tuple[Finding, ...]


def understand(mail: UnreadMail, marks: Marks) -> Reading:
    """What the mail says; raises NotUnderstood when it is for people. Looks at nothing but the mail."""
    addressee = marks.addressee(mail.rcpt_to.rpartition("@")[0] or mail.rcpt_to)
    if addressee is None:  # the keys were changed since it came
        raise NotUnderstood("its address is none of ours any more")
    return _READERS[addressee.kind](mail, addressee, marks)


def _read_returned(mail: UnreadMail, addressee: Addressee, marks: Marks) -> Reading:
    """Mail to a return path: nearly always a delivery report or an absence note. Some providers complain there, too."""
    if is_feedback_report(mail.raw):  # in the name of a mail server, or as automatic mail
        return _read_feedback(mail, addressee, marks)
    report = read_report(mail.raw, mail_from=mail.mail_from)
    message = OurMessage(_surest(addressee.mark, marks.of_copy(report.original)))
    if report.kind is ReportKind.AUTO_REPLY:
        return (Finding(EventKind.AUTO_REPLIED, message, (), "automatic reply"),)
    if report.kind is ReportKind.OTHER:
        return _read_feedback(mail, addressee, marks)  # not all of them say what it is
    return tuple(_of_recipient(recipient, message) for recipient in report.recipients)


def _surest(addressed: Mark | None, quoted: Mark | None) -> Mark | None:
    """The mark in what a report quotes, where it is of the message that the report was addressed for."""
    same = addressed is not None and quoted is not None and addressed.message_id == quoted.message_id
    return quoted if same else addressed


def _of_recipient(recipient: RecipientReport, message: OurMessage) -> Finding:
    failed = recipient.action is Action.FAILED
    kind = _EVENTS[recipient.action]
    if failed and recipient.bounce_kind is None:
        kind = EventKind.AUTO_REPLIED  # a failure in form only
    alone = message.mark is not None and message.mark.alone
    return Finding(
        kind,
        message,
        None if alone else _folded(recipient.original_address, recipient.address),
        "delivery report",
        bounce_kind=recipient.bounce_kind,
        outcome=recipient.outcome,
        code=recipient.code,
        enhanced=recipient.enhanced,
        text=recipient.diagnostic,
    )


_EVENTS = {
    Action.FAILED: EventKind.BOUNCED,
    Action.DELAYED: EventKind.DELAYED,
    Action.DELIVERED: EventKind.CONFIRMED,
    Action.RELAYED: EventKind.CONFIRMED,
    Action.EXPANDED: EventKind.CONFIRMED,
}


def _read_feedback(mail: UnreadMail, addressee: Addressee, marks: Marks) -> Reading:
    """Mail to a feedback address. The mark in what it quotes says which message; the address we got it at may do so too."""
    report = read_feedback(mail.raw)
    if report is None:
        raise NotUnderstood("neither a delivery report nor a feedback report")
    kind = _wish(report)
    mark = marks.in_original(report.original, report.sender) or addressee.mark
    message = OurMessage(mark, report.original_message_id, _sent_at(report))
    return (Finding(kind, message, _complainant(report, mark), "feedback report"),)


def _wish(report: FeedbackReport) -> EventKind:
    if report.complaint:
        return EventKind.COMPLAINED
    if report.opt_out:
        return EventKind.UNSUBSCRIBED
    if report.type is FeedbackType.NOT_SPAM:
        return EventKind.NOT_SPAM
    raise NotUnderstood(f"a feedback report of the type {report.type.value}")


def _complainant(report: FeedbackReport, mark: Mark | None) -> tuple[str, ...] | None:
    """Who complains; None: just the one of the mark. To says it only where there is no better sign and it names one."""
    if mark is not None and mark.alone:
        return None
    if report.recipients or (mark is not None and mark.n is not None) or len(report.addressed_to) != 1:
        return _folded(*report.recipients)
    return _folded(*report.addressed_to)


def _sent_at(report: FeedbackReport) -> datetime | None:
    try:
        sent = parsedate_to_datetime(report.original.get("date"))
        # RFC 5322 3.3: -0000 tells the time in UTC, and nothing of where the sender is.
        return sent.astimezone(UTC) if sent.tzinfo else sent.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # whoever sent the message wrote its date, if it was one
        return None


def _read_unsubscription(mail: UnreadMail, addressee: Addressee, marks: Marks) -> Reading:
    """The address says it all, whatever the mail is (RFC 2369 3.2)."""
    return (Finding(EventKind.UNSUBSCRIBED, OurMessage(addressee.mark), None, "e-mail"),)


def _leave_to_people(mail: UnreadMail, addressee: Addressee, marks: Marks) -> Reading:
    raise NotUnderstood("for the postmaster")


_READERS: Mapping[InboundKind, Callable[[UnreadMail, Addressee, Marks], Reading]] = {
    InboundKind.RETURN_PATH: _read_returned,
    InboundKind.FEEDBACK: _read_feedback,
    InboundKind.UNSUBSCRIBE: _read_unsubscription,
    InboundKind.POSTMASTER: _leave_to_people,
}


def _folded(*addresses: str) -> tuple[str, ...]:
    """As recipients are compared: lower case, domains in A-labels; each once, in their order."""
    return tuple(dict.fromkeys(_fold(address) for address in addresses if address))


def _fold(address: str) -> str:
    try:
        return parse_address(address).folded
    except AddressSyntax:
        return address.lower()
