"""Bounces as Amazon SES tells them by e-mail: in JSON, plain or in the envelope of its notification service."""

import json
import re
from collections.abc import Iterator

from relay_worker.bounces.report import Action
from relay_worker.bounces.status import RecipientStatus, bare_address

MAX_RECIPIENTS = 200

_LASTING_CODES = re.compile(r"\b5\d\d\b[ -]?|\b5\.\d{1,3}\.\d{1,3}\b")


def read_notice(text: str) -> list[RecipientStatus]:
    """The recipients that a notice of a bounce names; none when the text is anything else. Never raises."""
    if not text.lstrip().startswith("{"):
        return []
    # Mail servers fold lines beyond 998 characters with "!" and a space (RFC 5321 4.5.3.1.6 allows no longer ones).
    notice = _object(text.replace("!\n ", ""))
    inside = notice.get("Message")
    notice = _object(inside) if isinstance(inside, str) else notice
    if "Bounce" not in (notice.get("notificationType"), notice.get("eventType")):
        return []
    return list(_recipients(notice.get("bounce")))[:MAX_RECIPIENTS]


def _object(text: str) -> dict[str, object]:
    """The JSON object at the beginning; what follows it is a footer. {} for anything else, however deep it is nested."""
    try:
        found, _ = json.JSONDecoder(strict=False).raw_decode(text.lstrip())
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _recipients(bounce: object) -> Iterator[RecipientStatus]:
    if not isinstance(bounce, dict) or not isinstance(bounce.get("bouncedRecipients"), list):
        return
    lasting = bounce.get("bounceType") == "Permanent"
    for one in bounce["bouncedRecipients"]:
        if isinstance(one, dict) and (address := bare_address(str(one.get("emailAddress", "")))):
            yield _status(address, str(one.get("status", "")), str(one.get("diagnosticCode", "")), lasting)


def _status(address: str, stated: str, diagnostic: str, lasting: bool) -> RecipientStatus:
    """SES has given up either way; what it takes for passing is no lasting failure, whatever the codes beside it say."""
    words = diagnostic.removeprefix("smtp;").strip()
    return RecipientStatus(
        address=address,
        original_address="",
        action=Action.FAILED,
        status=stated if lasting else _LASTING_CODES.sub("4.0.0", stated),
        comment="",
        diagnostic=words if lasting else _LASTING_CODES.sub("", words).strip(),
    )
