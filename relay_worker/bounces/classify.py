"""From a reply, or the diagnostic of a delivery report, to the class of its reason."""

import re
import unicodedata
from functools import lru_cache

from relay_worker.bounces import codes
from relay_worker.bounces.classes import HARD_CLASSES, OutcomeClass
from relay_worker.bounces.phrases.about_recipient import GONE_WITH, PASSING, SOMETHING_ELSE
from relay_worker.bounces.phrases.in_other_languages import OTHER_LANGUAGES
from relay_worker.bounces.phrases.order import OUTWEIGHING, TELLING, VAGUE
from relay_worker.bounces.phrases.phrase import Phrase
from relay_worker.delivery.transaction import Stage

MAX_CHARACTERS = 2000  # a reason stands at the beginning; what follows is advice and links

# What is said before RCPT is about us, our address or our return path, and never about the recipient.
ABOUT_US = frozenset({Stage.CONNECT, Stage.GREETING, Stage.EHLO, Stage.MAIL})

# A failure that may pass, or that says two things at once, is never one that suppresses the address.
_WHILE_IT_LASTS = {
    OutcomeClass.NO_SUCH_ADDRESS: OutcomeClass.RECIPIENT_UNCONFIRMED,
    OutcomeClass.NO_SUCH_DOMAIN: OutcomeClass.DNS_TROUBLE,
    OutcomeClass.ADDRESS_DISABLED: OutcomeClass.ADDRESS_SUSPENDED,
}
# Of the enhanced codes only these subjects go with an address that is gone: other, addressing, mailbox, system (many
# servers use x.3.0 for everything), routing and protocol (x.4.1 and x.5.0 likewise). Content and security do not.
_OPEN_TO_HARD = re.compile(r"5\.(?:0\.\d+|1\.\d+|2\.[01]|3\.0|4\.(?:[0-4]|310)|5\.[01])")
_CODES_OF_HARD = frozenset(
    {0, 500, 501, 504, 510, 511, 512, 513, 515, 521, 525, 540, 542, 550, 551, 553, 554, 556}
)
# Postfix puts 5.7.1 before whatever its access tables say, others that or 5.7.0, qmail 5.7.17: they mean nothing
# beside a single clause that names an address that is gone. A longer text may give another reason, in words that we do
# not know.
_BARE = re.compile(r"(?:\d{3}[ -])?(?:<>\W{0,4})?(?:sorry, )?[^.,;!?]{1,90}[.!]?(?: \(#[\d.]{5,7}\))?")
_HOST_CODES = frozenset({"5.1.1", "5.1.2", "5.1.10", "5.4.4", "5.4.310"})

_RECIPIENT = re.compile(r"recipient|rcpt|<>")
_CODE_IN_TEXT = re.compile(r"(?:^|[\s('\"])#?([45]\.[0-7]\.\d{1,3})(?!\d|\.\d)")  # qmail: "(#5.1.1)"

_ADDRESS = re.compile(r"<?[^\s<>()\"',;:]{1,200}@[^\s<>()\"',;:]{1,255}>?")
_LINK = re.compile(r"https?://\S{1,500}")
_HOST = re.compile(r"https?://([^/\s?#]*)")
_GOOGLE_WORD = re.compile(r"[?&](p=\w+)")
_WITHOUT_ACCENTS = str.maketrans(
    "àáâãäåçèéêëìíîïñòóôõöøùúûüýÿąćęłńśźżőűčďěňřšťůžășțşğıё\u2018\u2019",
    "aaaaaaceeeeiiiinoooooouuuuyyacelnszzoucdenrstuzastsgi\u0435''",
)
_REPEATED_CODE = re.compile(r"\b[245]\d\d[- ]#?[245]\.\d{1,3}\.\d{1,3}\b")


def classify(code: int, enhanced: str, text: str, *, stage: Stage | None = None) -> OutcomeClass:
    """The reason in a reply: `code` 0 and `enhanced` "" where unknown, `text` without them or with them.

    `stage` is how far the delivery had come, None when that is not known. A hard class comes back only for a lasting
    failure (5xx) whose codes and words agree that the address is gone; in all doubt the class is a soft one.
    """
    if 200 <= code < 300:
        return OutcomeClass.DELIVERED
    text = text[:MAX_CHARACTERS]
    enhanced = _more_exact(enhanced, text)
    words = plain(text)
    found = _reason(code, enhanced, words)
    return _soften(found, code, enhanced, words, stage) if found in HARD_CLASSES else found


def _more_exact(enhanced: str, text: str) -> str:
    """The code that the text names, where none is given or one that ends with 0, "other" (RFC 3463 3.1)."""
    if enhanced and not enhanced.endswith(".0"):
        return enhanced
    named = _CODE_IN_TEXT.findall(text)
    exact = (one for one in named if not one.endswith(".0") and one[0] == (enhanced or one)[0])
    return next(exact, enhanced or (named[0] if named else ""))


def plain(text: str) -> str:
    """The words of a reply, comparable: lower case, one line, no accents, addresses and links made short.

    An address or link may hold any word ("spam@", "/blocklist"), so of a link only its host and Google's `p=` stay.
    Some join their words ("mailbox_full").
    """
    text = _REPEATED_CODE.sub(" ", _LINK.sub(_shorten, text))
    text = _ADDRESS.sub("<>", text).replace("_", " ").lower()
    return " ".join((text if text.isascii() else _folded(text)).split())


# A server says the same to thousands of recipients, and without their addresses it is the same text.
@lru_cache(maxsize=2048)
def _reason(code: int, enhanced: str, words: str) -> OutcomeClass:
    detail = enhanced.partition(".")[2]
    return _special(detail, words) or _weighed(
        codes.DECISIVE.get(detail)
        or _told(words)
        or codes.ENHANCED.get(detail)
        or _by_words(VAGUE, words)
        or codes.SUBJECTS.get(detail.partition(".")[0])
        or codes.REPLIES.get(code, OutcomeClass.UNKNOWN),
        words,
    )


def _special(detail: str, words: str) -> OutcomeClass | None:
    """Words that mean that the address is gone only together with one code, unless more is said than they."""
    phrase = GONE_WITH.get(detail)
    if phrase is None or not phrase.pattern.search(words):
        return None
    rest = phrase.pattern.sub(" ", words)
    return _weighed(_told(rest) or phrase.outcome, rest)


def _told(words: str) -> OutcomeClass | None:
    return _by_words(TELLING, words) or _by_words(OTHER_LANGUAGES, words)


def _weighed(found: OutcomeClass, words: str) -> OutcomeClass:
    """What was found, by words or by a code, unless it is hard and the words name another reason as well."""
    return (_by_words(OUTWEIGHING, words) or found) if found in HARD_CLASSES else found


def _by_words(phrases: tuple[Phrase, ...], words: str) -> OutcomeClass | None:
    return next((phrase.outcome for phrase in phrases if phrase.pattern.search(words)), None)


def _soften(found: OutcomeClass, code: int, enhanced: str, words: str, stage: Stage | None) -> OutcomeClass:
    """A hard class as it is when everything agrees, or the soft one that fits."""
    if stage in ABOUT_US:
        return OutcomeClass.SENDER_REFUSED if stage is Stage.MAIL else OutcomeClass.POLICY
    if 400 <= code < 500 or enhanced.startswith("4") or PASSING.search(words):
        return _WHILE_IT_LASTS[found]
    if SOMETHING_ELSE.search(words):
        return OutcomeClass.SERVER_TROUBLE
    if not _code_allows_it(code, words) or not _enhanced_allows_it(found, enhanced, words):
        return OutcomeClass.RECIPIENT_REFUSED
    if (
        found is OutcomeClass.NO_SUCH_DOMAIN
        and code not in (0, 556)
        and not _about_their_domain(enhanced, words)
    ):
        return OutcomeClass.RECIPIENT_REFUSED
    return found


def _code_allows_it(code: int, words: str) -> bool:
    """552 is about room in a mailbox (RFC 5321 4.2.3); Yahoo says in these words that there is no mailbox."""
    return code in _CODES_OF_HARD or (code == 552 and "mailbox not found" in words)


def _enhanced_allows_it(found: OutcomeClass, enhanced: str, words: str) -> bool:
    if enhanced in ("5.7.0", "5.7.1", "5.7.17"):
        return found is OutcomeClass.NO_SUCH_ADDRESS and _BARE.fullmatch(words) is not None
    return not enhanced or _OPEN_TO_HARD.fullmatch(enhanced) is not None


def _about_their_domain(enhanced: str, words: str) -> bool:
    """A server speaks of a domain unknown to it: its own would be known, so it may well mean ours."""
    return enhanced in _HOST_CODES or _RECIPIENT.search(words) is not None


def _folded(text: str) -> str:
    """Full-width letters as plain ones, curly apostrophes straight, Latin letters without their accents."""
    return unicodedata.normalize("NFKC", text).translate(_WITHOUT_ACCENTS)


def _shorten(match: re.Match[str]) -> str:
    host = _HOST.match(match[0])
    word = _GOOGLE_WORD.search(match[0])
    return f"{host[1] if host else ''} {word[1] if word else ''}"
