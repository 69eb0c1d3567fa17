"""What a delivery report tells people: the addresses it names, and the words that stand with each."""

import re
from collections.abc import Callable
from dataclasses import dataclass

MAX_LINES = 2000
MAX_LINE = 1000
MAX_NEAR = 1500
MAX_FAR = 4000
MAX_RECIPIENTS = 200

# Below one of these lines stands the message that came back, whose words say nothing about the failure.
_ORIGINAL = re.compile(
    r"""^[\s*|>-]{0,80}(?:
        (?:this\ is|below\ is|below\ this\ line\ is|enclosed\ is|attachment\ is|here\ is|the\ following\ is)\ a\ copy
      | (?:the\ )?(?:header|headers|body|text)\ (?:of|from)\ (?:the|your)\ (?:original|returned|undelivered)
      | (?:the\ )?(?:original|returned|unsent|undelivered|failed|rejected)\ (?:message|mail|e-mail)
            \ ?(?:header|headers|text|body|follows|below|is\ below|included|contents|returned)?s?\b(?=\W*$|\ follows|\ headers)
      | message\ (?:headers?|text|body|header\ section)\ follow
      | (?:received|return-path|dkim-signature|x-received|delivered-to|arc-seal)\ ?:
      | en-t.tes\ (?:de|du)\ message | urspr.ngliche\ (?:nachricht|kopfzeilen) | original-nachricht
      | copy\ of\ (?:the|your)\ (?:original\ )?message
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_APART = r"\s<>()\"',;:@\u3000-\u301f\uff01-\uff1e"  # what parts an address from the words around it, Chinese and Japanese too
_LOCAL = rf"[^{_APART}|]{{1,128}}"
_PLAIN_ADDRESS = rf"(?:{_LOCAL}|\"[^\"@]{{1,128}}\")@[^{_APART}]{{1,255}}"
_AT_START = re.compile(
    rf"[\s\"'*>-]{{0,40}}(?:[45]\d\d[- ](?:[45]\.\d\.\d{{1,3}} )?)?<?(?:mailto:|rfc822;)?({_PLAIN_ADDRESS})>?[\"']?(?=[\s:.,;(]|<mailto|$)"
)
_MAILTO = re.compile(rf"<mailto:({_PLAIN_ADDRESS})>")
_INTRODUCED = re.compile(
    r"(?:recipient(?:\(s\)|s)?(?: address)?(?: is)?:?|(?:delivered|undelivered|deliver(?:ing|y)?|sent|message|mail) (?:\w+ ){0,2}to:?|full:|failed:|rcpt to:|"
    rf"\w:\d+:) ?['\"]?<?({_PLAIN_ADDRESS})>?",
    re.IGNORECASE,
)
# The last resort, where no line begins with an address: "Unknown user: <address>".
_AT_END = re.compile(
    rf"^(?!\s*(?:from|to|cc|bcc|sender|reply-to|return-path|message-id|mail from|subject|date|.{{0,40}}contact)\s*[:\uff1a]).*[:\uff1a]\s*<?({_PLAIN_ADDRESS})>?\s*$"
    rf"|\b(?:to|for|user) <?({_PLAIN_ADDRESS})>?\W*$",
    re.IGNORECASE,
)
_EXPANDED = re.compile(rf"\((?:expanded|generated) (?:from|by):? <?({_PLAIN_ADDRESS})>?\)")


@dataclass(frozen=True, slots=True)
class Passage:
    """An address with the words beside it: `near` up to the next empty line, `far` up to the next address."""

    address: str
    original_address: str
    near: str
    far: str


def before_original(text: str) -> tuple[str, str]:
    """The report's own words, and the message that came back below them ("" when it did not)."""
    lines = text.split("\n", MAX_LINES)
    for at, line in enumerate(lines):
        if at and line and _ORIGINAL.match(line):
            return "\n".join(lines[:at]), "\n".join(lines[at:])
    return "\n".join(lines[:MAX_LINES]), ""


def read_passages(text: str) -> list[Passage]:
    """The addresses in the order of their first lines, with what stands below each; one named twice has it all."""
    lines = text.split("\n", MAX_LINES)[:MAX_LINES]
    finders = (_address_at_start, _address_introduced, _address_at_end)
    starts = next((found for find in finders if (found := _starts(lines, find))), [])
    ends = [*(at for at, _ in starts), len(lines)][1:]
    passages: dict[str, Passage] = {}
    for (start, address), end in zip(starts, ends, strict=True):
        key = address.lower()
        if key in passages:
            passages[key] = _together(passages[key], _passage(address, lines[start:end]))
        elif len(passages) < MAX_RECIPIENTS:
            passages[key] = _passage(address, lines[start:end])
    return list(passages.values())


def _starts(lines: list[str], find: Callable[[str], str]) -> list[tuple[int, str]]:
    return [
        (at, address) for at, line in enumerate(lines) if "@" in line and (address := find(line[:MAX_LINE]))
    ]


def _address_at_start(line: str) -> str:
    match = _AT_START.match(line) or _MAILTO.search(line)
    return match[1].rstrip(".") if match else ""


def _address_introduced(line: str) -> str:
    match = _INTRODUCED.search(line)
    return match[1].rstrip(".") if match else ""


def _address_at_end(line: str) -> str:
    match = _AT_END.search(line)
    return (match[1] or match[2]).rstrip(".") if match else ""


def _passage(address: str, lines: list[str]) -> Passage:
    near_end = next((at for at, line in enumerate(lines) if not line.strip()), len(lines))
    near = "\n".join(lines[:near_end])[:MAX_NEAR]
    expanded = _EXPANDED.search(" ".join(near.split()))
    return Passage(address, expanded[1] if expanded else "", near, "\n".join(lines)[:MAX_FAR])


def _together(one: Passage, other: Passage) -> Passage:
    return Passage(
        one.address,
        one.original_address or other.original_address,
        f"{one.near}\n{other.near}"[:MAX_NEAR],
        f"{one.far}\n{other.far}"[:MAX_FAR],
    )
