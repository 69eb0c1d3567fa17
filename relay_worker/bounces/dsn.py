"""Reads what comes to a return path: delivery reports (RFC 3464) and what stands in for them, absence notes, the rest."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from relay_worker.bounces.classes import OutcomeClass
from relay_worker.bounces.mime import NO_FIELDS, ORIGINAL_TYPES, Fields, Part, read_mail, split_fields
from relay_worker.bounces.prose import Passage, before_original, read_passages
from relay_worker.bounces.reasons import (
    beside_the_transcript,
    in_the_light_of,
    quotes_a_reply,
    stage_in,
    understand,
)
from relay_worker.bounces.report import Action, RecipientReport, Report, ReportKind
from relay_worker.bounces.ses import read_notice
from relay_worker.bounces.signs import (
    is_auto_reply,
    is_from_a_daemon,
    says_still_trying,
    tells_of_a_failure,
)
from relay_worker.bounces.status import RecipientStatus, bare_address, read_status

MAX_TEXT = 64 * 1024
MAX_ABOVE = 4000
MAX_NESTED = 1  # a report that somebody forwarded as the text of another

_STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
_MESSAGE_ID = re.compile(
    r"^[ \t]{0,10}message-id[ \t]?:\s{0,10}<([^<>\s]{1,500})>", re.IGNORECASE | re.MULTILINE
)
_BRACKETED = re.compile(r"<([^<>\s]{1,500})>")


def read_report(raw: bytes, *, mail_from: str | None = None) -> Report:
    """What the mail says. Never raises, whatever the octets; only the first 512 KB are read.

    `mail_from` is its envelope sender, "" for the null sender of RFC 5321 4.5.5; None: what its Return-Path says.
    """
    return _read(raw, mail_from, 0)


def _read(raw: bytes, mail_from: str | None, nesting: int) -> Report:
    fields, parts = read_mail(raw)
    from_nobody = fields.get("return-path").strip() == "<>" if mail_from is None else not mail_from
    own, returned = before_original(_words(parts))
    original, original_id = _original(fields, parts, own, returned)
    passages = read_passages(own)
    if statuses := _statuses(fields, parts, own):
        # Words that name nobody are about the only recipient.
        rest = own if len(statuses) == 1 and not passages else ""
        recipients = tuple(_from_status(one, passages, rest) for one in _named(statuses, passages, fields))
    elif not is_from_a_daemon(fields) and not (from_nobody and passages and tells_of_a_failure(fields, own)):
        kind = ReportKind.AUTO_REPLY if is_auto_reply(fields) else ReportKind.OTHER
        return Report(kind, (), original_id, original)
    elif inner := _forwarded(parts, returned, nesting) if not passages else None:
        return inner
    else:
        recipients = _from_prose(fields, own, passages)
    return Report(_kind(recipients), recipients, original_id, original)


def _forwarded(parts: Iterable[Part], returned: str, nesting: int) -> Report | None:
    """The report below or attached, where a mail that names nobody is only its cover."""
    if nesting >= MAX_NESTED:
        return None
    attached = [part.body for part in parts if part.media_type == "message/rfc822" and _is_report(part)]
    inner = (_read(raw, None, nesting + 1) for raw in (returned.encode("utf-8", "replace"), *attached) if raw)
    return next((report for report in inner if report.recipients), None)


def _is_report(part: Part) -> bool:
    return "delivery-status" in split_fields(part.body)[0].get("content-type").lower()


def _kind(recipients: tuple[RecipientReport, ...]) -> ReportKind:
    actions = {recipient.action for recipient in recipients}
    if Action.FAILED in actions:
        return ReportKind.BOUNCE
    return ReportKind.DELAYED if Action.DELAYED in actions else ReportKind.DELIVERED


# --- the parts ---


def _words(parts: Iterable[Part]) -> str:
    """What the report tells people: its plain text, or its HTML when there is no other."""
    plain = [part.text for part in parts if part.media_type == "text/plain" or part.unopened]
    if not any(text.strip() for text in plain):
        plain = [part.text for part in parts if part.media_type == "text/html"]
    return "\n\n".join(text[:MAX_TEXT] for text in plain)[:MAX_TEXT]


def _statuses(fields: Fields, parts: Iterable[Part], own: str) -> list[RecipientStatus]:
    """The machine-readable part, or JSON; without these, such fields in the text of a daemon (Amazon WorkMail, PMDF)."""
    texts = [part.text[:MAX_TEXT] for part in parts if part.media_type in _STATUS_TYPES]
    found = [status for text in texts for status in read_status(text)]
    found = found or read_notice(own)
    if found or not is_from_a_daemon(fields):
        return found
    return [status for status in read_status(own) if status.status or status.diagnostic]


def _original(fields: Fields, parts: Iterable[Part], own: str, returned: str) -> tuple[Fields, str]:
    """The header fields of our message, and its Message-ID: from its copy, from the text, or as what was replied to."""
    for part in parts:
        if part.media_type in ORIGINAL_TYPES:
            original = split_fields(part.text[:MAX_TEXT].lstrip().encode("utf-8", "replace"))[0]
            if match := _BRACKETED.search(original.get("message-id")):
                return original, match[1]
    for text in (returned, own):
        if match := _MESSAGE_ID.search(text):
            return NO_FIELDS, match[1]
    answered = _BRACKETED.findall(fields.get("in-reply-to") or fields.get("references"))
    return NO_FIELDS, answered[-1] if answered else ""


# --- recipients ---


def _failed(fields: Fields) -> str:
    """The one address that Exim and Google name in a field of their own, "" when there are none or several."""
    stated = fields.get("x-failed-recipients")
    return "" if "," in stated else bare_address(stated)


def _named(
    statuses: list[RecipientStatus], passages: list[Passage], fields: Fields
) -> Sequence[RecipientStatus]:
    """The statuses; a single one without an address gets the single one that stands elsewhere in the report."""
    if len(statuses) > 1 or statuses[0].address:
        return statuses
    address = passages[0].address if len(passages) == 1 else _failed(fields)
    return [replace(statuses[0], address=address)]


def _from_status(status: RecipientStatus, passages: list[Passage], rest: str) -> RecipientReport:
    """One recipient from its fields; where these give no reason, from the words with its address, then from the rest."""
    names = {status.address.lower(), status.original_address.lower()} - {""}
    passage = next((one for one in passages if one.address.lower() in names), Passage("", "", "", ""))
    texts = (status.diagnostic, passage.near, passage.far, status.comment, rest)
    reason = understand(texts, status.status, stage_in(passage.near))
    reason = beside_the_transcript(f"{passage.near}\n{passage.far}", reason)
    failing = status.action in (Action.FAILED, Action.DELAYED)
    return RecipientReport(
        address=status.address,
        original_address=status.original_address or passage.original_address,
        action=status.action,
        outcome=reason.outcome if failing else OutcomeClass.DELIVERED,
        code=reason.code,
        enhanced=reason.enhanced,
        diagnostic=reason.words,
    )


def _from_prose(fields: Fields, own: str, passages: list[Passage]) -> tuple[RecipientReport, ...]:
    """The recipients that the words name; one without an address when they name none, for the return path names it."""
    action = Action.DELAYED if says_still_trying(own) else Action.FAILED
    if not passages:
        return (_from_passage(Passage(_failed(fields), "", "", own), "", action),)
    # Some name the reason first and the address below it; with one address there is no doubt whose reason it is.
    above = own.partition(passages[0].address)[0][:MAX_ABOVE] if len(passages) == 1 else ""
    return tuple(_from_passage(passage, above, action) for passage in passages)


def _from_passage(passage: Passage, above: str, action: Action) -> RecipientReport:
    # The remote's own reply outweighs how the reporting server retells it.
    texts = sorted((passage.near, passage.far, above), key=lambda text: not quotes_a_reply(text))
    reason = in_the_light_of(f"{above}\n{passage.far}", understand(texts, ""))
    return RecipientReport(
        address=passage.address,
        original_address=passage.original_address,
        action=action,
        outcome=reason.outcome,
        code=reason.code,
        enhanced=reason.enhanced,
        diagnostic=reason.words,
    )
