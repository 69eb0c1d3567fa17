"""Reads feedback reports (ARF, RFC 5965): what people say of a message by the buttons of their mail program."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from relay_worker.bounces.mime import (
    MAX_OCTETS,
    NO_FIELDS,
    ORIGINAL_TYPES,
    Fields,
    Part,
    parameter,
    read_fields,
    read_mail,
    split_fields,
)
from relay_worker.bounces.status import bare_address

MAX_TEXT = 64 * 1024
MAX_RECIPIENTS = 50

_MESSAGE_ID = re.compile(r"<([^<>\s]{1,500})>")
_BRACKETED = re.compile(r"<([^<>@\s]{1,128}@[^<>@\s]{1,255})>")
_BARE = re.compile(r"(?<![^\s,])([^<>@\s,\"]{1,128}@[^<>@\s,\"]{1,255})(?![^\s,])")
_STATED_IP = re.compile(
    r"(?:message from|received from ip|from ip address) \[?([0-9a-f.:]{7,45})", re.IGNORECASE
)


class FeedbackType(StrEnum):
    """RFC 5965 7.3, RFC 6591, RFC 6430, and the opt-out types of the format's drafts."""

    ABUSE = "abuse"
    FRAUD = "fraud"
    VIRUS = "virus"
    NOT_SPAM = "not-spam"
    AUTH_FAILURE = "auth-failure"
    OPT_OUT = "opt-out"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class FeedbackReport:
    """What a feedback report says; "" and () where it does not, often because the provider took addresses out.

    `recipients` are named by the report itself. `addressed_to` is the To of our message: whoever complained may have
    had it by another way (Bcc, a list), so believe our own marks in `original` before it. `original` holds the header
    fields of our message as they came back; `original_message_id` is without its angle brackets.
    """

    type: FeedbackType
    recipients: tuple[str, ...]
    addressed_to: tuple[str, ...]
    sender: str
    source_ip: str
    original_message_id: str
    original: Fields

    @property
    def complaint(self) -> bool:
        """True when somebody objects to the mail. `not-spam` is the opposite, and the others are for our staff."""
        return self.type in (FeedbackType.ABUSE, FeedbackType.FRAUD)

    @property
    def opt_out(self) -> bool:
        return self.type is FeedbackType.OPT_OUT


def read_feedback(raw: bytes) -> FeedbackReport | None:
    """The report in a mail, None when it is none. Never raises, whatever the octets."""
    fields, parts = read_mail(raw)
    stated = next(
        (read_fields(part.text[:MAX_TEXT]) for part in parts if part.media_type == "message/feedback-report"),
        None,
    )
    original = _original(parts)
    if stated is not None:
        return _report(_type(stated), stated, original, _stated_ip(parts, stated))
    if original.get("x-hmxmroriginalrecipient"):
        return _report(FeedbackType.ABUSE, NO_FIELDS, original, _ip_in(fields.get("subject")))
    return _unsubscription(fields) if fields.get("x-apple-unsubscribe").lower() == "true" else None


def is_feedback_report(raw: bytes) -> bool:
    """True for a mail that says of itself that it is one (RFC 5965 2). Never raises, whatever the octets."""
    fields, _ = split_fields(raw[:MAX_OCTETS].lstrip())
    return parameter(fields.get("content-type"), "report-type").lower() == "feedback-report"


def _report(kind: FeedbackType, stated: Fields, original: Fields, source_ip: str) -> FeedbackReport:
    # Microsoft's junk mail reporting has no report part; it puts the recipient into a field of the original.
    named = stated.all("original-rcpt-to") or original.all("x-hmxmroriginalrecipient")
    message_id = _MESSAGE_ID.search(original.get("message-id"))
    return FeedbackReport(
        type=kind,
        recipients=tuple(address for value in named[:MAX_RECIPIENTS] if (address := bare_address(value))),
        addressed_to=_addresses(original.all("to")),
        sender=bare_address(stated.get("original-mail-from"))
        or next(iter(_addresses(original.all("from"))), ""),
        source_ip=source_ip,
        original_message_id=message_id[1] if message_id else "",
        original=original,
    )


def _unsubscription(fields: Fields) -> FeedbackReport:
    """Apple Mail sends this by itself to the mailto address of a List-Unsubscribe; its author is who wants no more."""
    return FeedbackReport(
        type=FeedbackType.OPT_OUT,
        recipients=_addresses(fields.all("from")),
        addressed_to=(),
        sender=next(iter(_addresses(fields.all("to"))), ""),
        source_ip="",
        original_message_id="",
        original=NO_FIELDS,
    )


def _type(stated: Fields) -> FeedbackType:
    named = stated.get("feedback-type").lower()
    if named.startswith("opt-out"):
        return FeedbackType.OPT_OUT
    return next((known for known in FeedbackType if known.value == named), FeedbackType.OTHER)


def _original(parts: Iterable[Part]) -> Fields:
    for part in parts:
        if part.media_type in ORIGINAL_TYPES:
            return split_fields(part.text[:MAX_TEXT].lstrip().encode("utf-8", "replace"))[0]
    return NO_FIELDS


def _stated_ip(parts: Iterable[Part], stated: Fields) -> str:
    said = stated.get("source-ip")
    return said or next(
        (_ip_in(part.text[:MAX_TEXT]) for part in parts if part.media_type == "text/plain"), ""
    )


def _ip_in(text: str) -> str:
    return match[1] if (match := _STATED_IP.search(text)) else ""


def _addresses(values: list[str]) -> tuple[str, ...]:
    """The mailboxes of an address field. What stands in angle brackets wins: display names may look like addresses."""
    found = (_BRACKETED.findall(value) or _BARE.findall(value) for value in values)
    return tuple(address for addresses in found for address in addresses)[:MAX_RECIPIENTS]
