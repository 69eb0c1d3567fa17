"""Reads what comes to a return path: delivery reports (RFC 3464) and what stands in for them, absence notes, the rest."""

import re
from collections.abc import Iterable

from relay_worker.bounces.classes import HARD_CLASSES, OutcomeClass
from relay_worker.bounces.classify import classify
from relay_worker.bounces.mime import NO_FIELDS, Fields, Part, read_mail, readable, split_fields
from relay_worker.bounces.prose import Passage, before_original, read_passages
from relay_worker.bounces.report import Action, RecipientReport, Report, ReportKind
from relay_worker.bounces.status import RecipientStatus, bare_address, read_status
from relay_worker.delivery.transaction import Stage

MAX_TEXT = 64 * 1024
MAX_DIAGNOSTIC = 1000
MAX_ABOVE = 4000
MAX_NESTED = 1  # a report that somebody forwarded as the text of another

_DAEMON = re.compile(
    r"(?:mail(?:er)?[-_. ]?d(?:a)?emon|p+o+st[-_]?master|mail delivery|mail administrator|system administrator|delivery (?:sub)?system|"
    r"mail system|mailgate|bounce)",
    re.IGNORECASE,
)
_BOUNCE_SUBJECT = re.compile(
    r"undeliver|deliver\w* (?:status|fail|notif|report|problem|error|delay|has failed|incomplete)|returned mail|returned to sender|returning (?:message|mail|to sender)|failure notice|"
    r"mail (?:delivery )?(?:fail|status|system error|error)|(?:could not|cannot|can't|not) be delivered|fail\w* (?:to deliver|delivery|mail)|non[- ]?remis|unzustellbar|"
    r"non recapitabile|no se (?:puede|pudo) entregar|message you sent (?:was )?blocked|warning: (?:could not send|message)|delayed mail|notification d'.tat",
    re.IGNORECASE,
)
_AUTO_SUBJECT = re.compile(
    r"^\W*(?:auto(?:matic|mated|matisch\w*)?[-: ]{0,3}(?:reply|response|antwort|respon|re\b)|out[- ]of[- ](?:the[- ])?office|ooo\b|away\b|on (?:vacation|holiday|leave)|vacation|"
    r"abwesen|nicht im b.ro|r.ponse automatique|absen[ct]|risposta automatica|respuesta autom|fuera de|resposta autom|automaat|afwezig|автоответ|автоматический ответ|не в офисе|自動応答|自動返信)",
    re.IGNORECASE,
)
_STILL_TRYING = re.compile(
    r"warning message only|do not need to re-?send|has not (?:yet )?been delivered|not yet been|will (?:continue|keep|be) (?:to )?(?:be )?(?:re-?tr|try)|(?:still|keep) trying|"
    r"(?:is|was|has been) delayed|temporary failure report|no action is required",
    re.IGNORECASE,
)
# A reply code with or without an enhanced one, and an enhanced one alone; never part of a number or IP address.
_REPLY = re.compile(
    r"(?<![\w.:/-])([45]\d\d)(?=[\s:;,\'\"<\[(#-]|$)(?:[- :,\'\"]{1,3}#?([45]\.\d{1,3}\.\d{1,3})(?![\d.]*\d))?"
)
_ENHANCED = re.compile(r"(?<![\w.-])([45]\.[0-7]\.\d{1,3})(?![\d]|\.\d)")
_UNSPECIFIC = re.compile(r"\d\.0\.0")
_MESSAGE_ID = re.compile(
    r"^[ \t]{0,10}message-id[ \t]?:\s{0,10}<([^<>\s]{1,500})>", re.IGNORECASE | re.MULTILINE
)
_BRACKETED = re.compile(r"<([^<>\s]{1,500})>")
# Where the reporting server heard it, in the words of Exim, Postfix, qmail and sendmail.
_AT_GREETING = re.compile(
    r"after initial connection|refused to talk to me|after (?:helo|ehlo)|in reply to (?:helo|ehlo)",
    re.IGNORECASE,
)
_AT_MAIL = re.compile(
    r"after mail from|in reply to mail from|but sender was rejected|>>> mail from", re.IGNORECASE
)


def read_report(raw: bytes) -> Report:
    """What the mail says. Never raises, whatever the octets; only the first 512 KB are read."""
    return _read(raw, 0)


def _read(raw: bytes, nesting: int) -> Report:
    fields, parts = read_mail(raw)
    own, returned = before_original(_words(parts))
    original, original_id = _original(fields, parts, own, returned)
    statuses = _statuses(fields, parts, own)
    passages = read_passages(own)
    if statuses:
        recipients = tuple(
            _from_status(one, passages, _failed(fields), alone=len(statuses) == 1) for one in statuses
        )
        return Report(_kind(recipients), recipients, original_id, original)
    if not _from_a_daemon(fields):
        kind = ReportKind.AUTO_REPLY if _is_auto_reply(fields) else ReportKind.OTHER
        return Report(kind, (), original_id, original)
    if not passages and returned and nesting < MAX_NESTED:
        inner = _read(returned.encode("utf-8", "replace"), nesting + 1)
        if inner.recipients:
            return inner
    recipients = _from_prose(fields, own, passages)
    return Report(_kind(recipients), recipients, original_id, original)


# --- the parts ---


def _words(parts: Iterable[Part]) -> str:
    """What the report tells people: its plain text, or its HTML when there is no other."""
    read = [
        part
        for part in parts
        if part.media_type in ("text/plain", "text/html") or part.media_type.startswith("multipart/")
    ]
    plain = [part.text for part in read if part.media_type != "text/html"]
    texts = plain if any(text.strip() for text in plain) else [part.text for part in read]
    return "\n\n".join(text[:MAX_TEXT] for text in texts)[:MAX_TEXT]


def _statuses(fields: Fields, parts: Iterable[Part], own: str) -> list[RecipientStatus]:
    """The machine-readable part; where it is missing, such fields in the text of a daemon (Amazon WorkMail, PMDF)."""
    found = [
        status
        for part in parts
        if part.media_type in ("message/delivery-status", "message/global-delivery-status")
        for status in read_status(part.text[:MAX_TEXT])
    ]
    if found or not _from_a_daemon(fields):
        return found
    return [status for status in read_status(own) if status.status or status.diagnostic]


def _original(fields: Fields, parts: Iterable[Part], own: str, returned: str) -> tuple[Fields, str]:
    """The header fields of our message, and its Message-ID: from its copy, from the text, or as what was replied to."""
    for part in parts:
        if part.media_type in (
            "message/rfc822",
            "message/global",
            "text/rfc822-headers",
            "text/rfc822-header",
            "message/global-headers",
        ):
            original = split_fields(part.text[:MAX_TEXT].encode("utf-8", "replace").lstrip())[0]
            if match := _BRACKETED.search(original.get("message-id")):
                return original, match[1]
    for text in (returned, own):
        if match := _MESSAGE_ID.search(text):
            return NO_FIELDS, match[1]
    answered = _BRACKETED.findall(fields.get("in-reply-to") or fields.get("references"))
    return NO_FIELDS, answered[-1] if answered else ""


# --- what kind of mail it is ---


def _kind(recipients: tuple[RecipientReport, ...]) -> ReportKind:
    actions = {recipient.action for recipient in recipients}
    if Action.FAILED in actions:
        return ReportKind.BOUNCE
    return ReportKind.DELAYED if Action.DELAYED in actions else ReportKind.DELIVERED


def _from_a_daemon(fields: Fields) -> bool:
    """True for what a mail server sends on a failure, by its sender, subject or the fields that only they write."""
    if fields.get("x-failed-recipients") or "delivery-status" in fields.get("content-type").lower():
        return True
    subject = readable(fields.get("subject"))
    if _AUTO_SUBJECT.search(subject):
        return False
    return bool(_DAEMON.search(readable(fields.get("from"))) or _BOUNCE_SUBJECT.search(subject))


def _is_auto_reply(fields: Fields) -> bool:
    """RFC 3834 5, and what was used before it."""
    stated = fields.get("auto-submitted").lower()
    return (
        stated.startswith(("auto-replied", "auto-generated"))
        or bool(fields.get("x-autoreply") or fields.get("x-autorespond") or fields.get("x-autoresponder"))
        or fields.get("precedence").lower() in ("auto_reply", "auto-reply")
        or bool(_AUTO_SUBJECT.search(readable(fields.get("subject"))))
    )


# --- recipients ---


def _failed(fields: Fields) -> str:
    """The one address that Exim and Google name in a field of their own, "" when there are none or several."""
    stated = fields.get("x-failed-recipients")
    return "" if "," in stated else bare_address(stated)


def _from_status(
    status: RecipientStatus, passages: list[Passage], failed: str, *, alone: bool
) -> RecipientReport:
    """One recipient from its fields; where these give no reason, from the words that stand with its address."""
    passage = _passage_of(status, passages, alone=alone)
    texts = [status.diagnostic, *([passage.near, passage.far] if passage else []), status.comment]
    code, enhanced, outcome, said = _understand(
        texts, status.status, _stage(passage.near) if passage else None
    )
    if status.action in (Action.DELIVERED, Action.RELAYED, Action.EXPANDED):
        outcome = OutcomeClass.DELIVERED
    return RecipientReport(
        status.address or (passage.address if passage else "") or (failed if alone else ""),
        status.original_address or (passage.original_address if passage else ""),
        status.action,
        outcome,
        code,
        enhanced,
        _one_line(said),
    )


def _passage_of(status: RecipientStatus, passages: list[Passage], *, alone: bool) -> Passage | None:
    names = {status.address.lower(), status.original_address.lower()} - {""}
    for passage in passages:
        if passage.address.lower() in names:
            return passage
    if not alone:
        return None
    return passages[0] if len(passages) == 1 and not names else None


def _from_prose(fields: Fields, own: str, passages: list[Passage]) -> tuple[RecipientReport, ...]:
    """The recipients that the words name; one without an address when they name none, for the return path names it."""
    action = Action.DELAYED if _STILL_TRYING.search(own) else Action.FAILED
    if not passages:
        return (_from_passage(Passage(_failed(fields), "", "", own), "", action),)
    # Some name the reason first and the address below it; with one address there is no doubt whose reason it is.
    above = own.partition(passages[0].address)[0][:MAX_ABOVE] if len(passages) == 1 else ""
    return tuple(_from_passage(passage, above, action) for passage in passages)


def _from_passage(passage: Passage, above: str, action: Action) -> RecipientReport:
    # The remote's own reply outweighs how the reporting server retells it.
    texts = sorted((passage.near, passage.far, above), key=lambda text: _REPLY.search(text) is None)
    code, enhanced, outcome, said = _understand(texts, "")
    return RecipientReport(
        passage.address, passage.original_address, action, outcome, code, enhanced, _one_line(said)
    )


# --- reasons ---


def _understand(
    texts: list[str], status: str, stage: Stage | None = None
) -> tuple[int, str, OutcomeClass, str]:
    """Reply code, enhanced code, class and words: of the first text that gives a reason, else of the first at all."""
    first: tuple[int, str, OutcomeClass, str] | None = None
    for text in texts:
        if not any(letter.isalpha() for letter in text):
            continue
        code, quoted, said = _quoted(text)
        enhanced = _better(quoted, status)
        # sendmail makes a status of its own out of every refusal after RCPT: 5.1.1, whatever the remote meant by 550.
        believed = quoted if code and not quoted and status.startswith("5.1.") else enhanced
        outcome = classify(code, believed, said, stage=_stage(text) or stage)
        if outcome is not OutcomeClass.UNKNOWN and not (first and first[0] and outcome in HARD_CLASSES):
            return code, enhanced, outcome, said
        first = first or (code, enhanced, outcome, said)
    return first or (0, status, classify(0, status, ""), "")


def _quoted(text: str) -> tuple[int, str, str]:
    """The remote's reply within a text: its codes, and its words from there on; all of the text without a reply."""
    text = " ".join(text.split())
    reply = _REPLY.search(text)
    said = text[reply.start() :] if reply else text
    named = _ENHANCED.findall(said)
    enhanced = next((one for one in named if not _UNSPECIFIC.fullmatch(one)), named[0] if named else "")
    return (int(reply[1]) if reply else 0), enhanced, said


def _better(said: str, status: str) -> str:
    """The remote's own code, or the reporter's when that says more."""
    return status if not said or (_UNSPECIFIC.fullmatch(said) and status) else said


def _stage(text: str) -> Stage | None:
    words = " ".join(text.split())
    if _AT_MAIL.search(words):
        return Stage.MAIL
    return Stage.GREETING if _AT_GREETING.search(words) else None


def _one_line(text: str) -> str:
    return " ".join(text.split())[:MAX_DIAGNOSTIC]
