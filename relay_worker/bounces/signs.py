"""The signs by which a report, an absence note and a warning are known before their text is read closely."""

import re

from relay_worker.bounces.mime import Fields, readable

_DAEMON = re.compile(
    "|".join(
        (
            r"mail(?:er)?[-_. ]?d(?:a)?emon",
            r"p+o+st[-_]?master",
            r"mail (?:delivery|administrator|system)",
            r"system administrator",
            r"delivery (?:sub)?system",
            r"mailgate",
            r"bounce",
        )
    ),
    re.IGNORECASE,
)
_BOUNCE_SUBJECT = re.compile(
    "|".join(
        (
            r"undeliver",
            r"deliver\w* (?:status|fail|notif|report|problem|error|delay|has failed|incomplete)",
            r"returned (?:mail|to sender)",
            r"returning (?:message|mail|to sender)",
            r"failure notice",
            r"mail (?:delivery )?(?:fail|status|system error|error)",
            r"(?:could not|cannot|can't|not) be delivered",
            r"fail\w* (?:to deliver|delivery|mail)",
            r"message you sent (?:was )?blocked",
            r"warning: (?:could not send|message)",
            r"delayed mail",
            r"non[- ]?remis",
            r"notification d'.tat",
            r"unzustellbar",
            r"non recapitabile",
            r"no se (?:puede|pudo) entregar",
        )
    ),
    re.IGNORECASE,
)
_AUTO_SUBJECT = re.compile(
    r"^\W*(?:"
    + "|".join(
        (
            r"auto(?:matic|mated|matisch\w*)?[-: ]{0,3}(?:reply|response|antwort|respon|re\b)",
            r"out[- ]of[- ](?:the[- ])?office",
            r"ooo\b",
            r"away\b",
            r"on (?:vacation|holiday|leave)",
            r"vacation",
            r"abwesen",
            r"nicht im b.ro",
            r"r.ponse automatique",
            r"absen[ct]",
            r"risposta automatica",
            r"respuesta autom",
            r"fuera de",
            r"resposta autom",
            r"automaat",
            r"afwezig",
            r"автоответ",
            r"автоматический ответ",
            r"не в офисе",
            r"自動応答",
            r"自動返信",
        )
    )
    + ")",
    re.IGNORECASE,
)
_STILL_TRYING = re.compile(
    "|".join(
        (
            r"warning message only",
            r"do not need to re-?send",
            r"has not (?:yet )?been delivered",
            r"not yet been",
            r"will (?:continue|keep|be) (?:to )?(?:be )?(?:re-?tr|try)",
            r"(?:still|keep) trying",
            r"(?:is|was|has been) delayed",
            r"temporary failure report",
            r"no action is required",
        )
    ),
    re.IGNORECASE,
)


def is_from_a_daemon(fields: Fields) -> bool:
    """True for what a mail server sends on a failure, by its sender, subject or the fields that only they write."""
    if fields.get("x-failed-recipients") or "delivery-status" in fields.get("content-type").lower():
        return True
    subject = readable(fields.get("subject"))
    if _AUTO_SUBJECT.search(subject):
        return False
    return bool(_DAEMON.search(readable(fields.get("from"))) or _BOUNCE_SUBJECT.search(subject))


def is_auto_reply(fields: Fields) -> bool:
    """RFC 3834 5, and what was used before it."""
    stated = fields.get("auto-submitted").lower()
    return (
        stated.startswith(("auto-replied", "auto-generated"))
        or bool(fields.get("x-autoreply") or fields.get("x-autorespond") or fields.get("x-autoresponder"))
        or fields.get("precedence").lower() in ("auto_reply", "auto-reply")
        or bool(_AUTO_SUBJECT.search(readable(fields.get("subject"))))
    )


def says_still_trying(words: str) -> bool:
    """True for a warning about a delay: nothing has failed yet."""
    return _STILL_TRYING.search(words) is not None
