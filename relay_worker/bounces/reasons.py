"""Finds the reason of a failure in the texts of a report: the remote's reply in the reporter's words about it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from relay_worker.bounces.classes import HARD_CLASSES, MEANINGS, OutcomeClass, OutcomeGroup
from relay_worker.bounces.classify import classify
from relay_worker.delivery.transaction import Stage

MAX_DIAGNOSTIC = 1000

# A reply code with or without an enhanced one, and an enhanced one alone; never part of a number or IP address.
_REPLY = re.compile(
    r"(?<![\w.:/-])([45]\d\d)(?=[\s:;,\'\"<\[(#-]|$)(?:[- :,\'\"]{1,3}#?([45]\.\d{1,3}\.\d{1,3})(?![\d.]*\d))?"
)
_ENHANCED = re.compile(r"(?<![\w.-])([45]\.[0-7]\.\d{1,3})(?![\d]|\.\d)")
_UNSPECIFIC = re.compile(r"\d\.0\.0")
# Where the reporting server heard it, in the words of Exim, Postfix, qmail and sendmail.
_AT_GREETING = re.compile(
    r"after initial connection|refused to talk to me|after (?:helo|ehlo)|in reply to (?:helo|ehlo)",
    re.IGNORECASE,
)
# What the remote said, in sendmail's transcript.
_HEARD = re.compile(r"^<<< (5\d\d.*)$", re.MULTILINE)
_AT_MAIL = re.compile(
    r"after mail from|in reply to mail from|but sender was rejected|>>> mail from", re.IGNORECASE
)


_STATES_OF_A_MAILBOX = frozenset({OutcomeClass.MAILBOX_FULL, OutcomeClass.ADDRESS_SUSPENDED})
_ABOUT_US = frozenset(
    outcome
    for outcome, meaning in MEANINGS.items()
    if meaning.group in (OutcomeGroup.BLOCK, OutcomeGroup.POLICY)
)


@dataclass(frozen=True, slots=True)
class Reason:
    """Reply code (0 without one), enhanced code ("" without one), class, and the words that gave it, in one line."""

    code: int
    enhanced: str
    outcome: OutcomeClass
    words: str


def quotes_a_reply(text: str) -> bool:
    return _REPLY.search(text) is not None


def understand(texts: Iterable[str], status: str, stage: Stage | None = None) -> Reason:
    """The reason in the first text that has one, else what the first of them says at all.

    `status` is the reporter's own enhanced code, `stage` where it heard the reply, as far as other texts tell.
    """
    first: Reason | None = None
    for text in texts:
        if not any(letter.isalpha() for letter in text):
            continue
        found = _reason_in(text, status, stage)
        # Where a remote's reply gives no reason, the reporter's own words about it do not make the address gone.
        doubtful = first is not None and first.code and found.outcome in HARD_CLASSES
        if found.outcome is not OutcomeClass.UNKNOWN and not doubtful:
            return found
        first = first or found
    return first or Reason(0, status, classify(0, status, ""), "")


def in_the_light_of(surroundings: str, reason: Reason) -> Reason:
    """The reason, unless it is hard and the reporter says beside it that the mailbox is full or locked for a while."""
    return _unless(surroundings, _STATES_OF_A_MAILBOX, reason)


def beside_the_transcript(words: str, reason: Reason) -> Reason:
    """The reason, unless it is hard and sendmail's transcript has more of the reply, of which its fields hold one line."""
    return _unless("\n".join(_HEARD.findall(words)), _ABOUT_US | _STATES_OF_A_MAILBOX, reason)


def _unless(words: str, others: frozenset[OutcomeClass], reason: Reason) -> Reason:
    if reason.outcome not in HARD_CLASSES or not words.strip():
        return reason
    said = classify(0, "", words)
    return replace(reason, outcome=said) if said in others else reason


def stage_in(text: str) -> Stage | None:
    """Where the reply was heard, when the text tells that it was before the recipient was named."""
    words = " ".join(text.split())
    if _AT_MAIL.search(words):
        return Stage.MAIL
    return Stage.GREETING if _AT_GREETING.search(words) else None


def _reason_in(text: str, status: str, stage: Stage | None) -> Reason:
    code, quoted, said = _quoted_reply(" ".join(text.split()))
    enhanced = status if not quoted or (_UNSPECIFIC.fullmatch(quoted) and status) else quoted
    # sendmail makes a status of its own out of every refusal after RCPT: 5.1.1, whatever the remote meant by 550.
    believed = quoted if code and not quoted and status == "5.1.1" else enhanced
    outcome = classify(code, believed, said, stage=stage_in(text) or stage)
    return Reason(code, enhanced, outcome, said[:MAX_DIAGNOSTIC])


def _quoted_reply(line: str) -> tuple[int, str, str]:
    """The remote's reply within a line: its codes, and its words from there on; all of the line without a reply."""
    reply = _REPLY.search(line)
    said = line[reply.start() :] if reply else line
    named = _ENHANCED.findall(said)
    enhanced = next((one for one in named if not _UNSPECIFIC.fullmatch(one)), named[0] if named else "")
    return (int(reply[1]) if reply else 0), enhanced, said
