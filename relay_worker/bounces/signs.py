"""The signs by which a report, an absence note and a warning are known before their text is read closely."""

import re

from relay_worker.bounces.mime import Fields, readable

_DAEMON = re.compile(
    "|".join(
        (
            r"m(?:ail(?:er)?)?[-_. ]?d(?:a)?emon",
            r"p+o+st[-_]?master",
            r"mail (?:delivery|administrator|system)",
            r"system administrator",
            r"delivery (?:sub)?system",
            r"mailgate",
            r"bounce",
            r"microsoftexchange[0-9a-f]{3,40}@",
            r"^[^<@]{0,200}<>\s*$",  # the null sender, as it also stands in their From
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
            r"non[- ]?deliver",
            r"error (?:while |in )?(?:sending|delivering|transmitting)",
            r"user unknown",
            r"^\W{0,5}(?:not member|reject(?:ed)?) (?:article|mail)",
            r"^you (?:\S+ )?are not (?:a )?member",  # fml, of a mailing list
            r"unzustellbar|nicht zugestellt|zustellung\w* (?:fehlgeschlagen|nicht)|zustellfehler",
            r"non[- ]?(?:remis|distribu)|notification d'.tat|.chec (?:de|d'|lors)",
            r"no (?:se )?(?:ha )?(?:puede|pudo|podido) (?:ser )?entreg|no entregad",
            r"non recapita|mancat[ao] recapito|impossibile recapitare",
            r"n.o (?:foi |. )?(?:poss.vel )?entreg|falha (?:na|de) entrega",
            r"onbestelbaar|niet (?:afgeleverd|bezorgd)",
            r"niedostarcz|nie (?:mo.na|uda.o si.) dostarczy.",
            r"не (?:удалось |была? |может быть )?доставлен|не удалось доставить|недоставлен|сбой доставки",
            r"退信|[无無]法[投送][递遞达達]|投[递遞]失[败敗]|未送[达達]",
            r"(?:配信|配送|送信|配達)(?:でき|され|不能|失敗|エラー)|届きません|不達",
            r"(?:전송|배달|발송)(?:되지| ?실패|할 수 없)|반송",
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
            r"auto:",
            r".{1,80}\bis (?:currently )?out of (?:the )?office",
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
            r"automat\w* (?:odpow|svar|odpov)",
            r"auto ?svar",
            r"otomatik (?:yan|cevap)",
            r"afwezig",
            r"автоответ",
            r"автоматический ответ",
            r"не в офисе",
            r"自[動动](?:応答|回[復复覆])",
            r"자동 ?(?:응답|회신)",
            r"自動返信",
        )
    )
    + ")",
    re.IGNORECASE,
)
# In the text of a mail from the null sender, where neither its From nor its subject tells.
_BOUNCE_WORDS = re.compile(
    r"\b(?:could|can|was|has|were|have) ?(?:not|n['\u2019]t) (?:yet )?(?:been |be )?(?:successfully )?delivered\b"
    r"|\bundeliver(?:able|ed)\b|\bdelivery (?:to \S+ |of \S+ )?(?:has |have )?(?:failed|error|failure|impossible)"
    r"|(?:\bun|\bnot |n['\u2019]t )able to deliver\b|\b(?:could not|couldn['\u2019]t|can(?:not|['\u2019]t)) deliver\b"
    r"|\b(?:delivery|permanent|fatal) errors?\b|\bfailed addresse?s?\b|\b(?:giving|given) up\b",
    re.IGNORECASE,
)
_STILL_TRYING = re.compile(
    "|".join(
        (
            r"warning message only",
            r"do not need to re-?send",
            r"not yet been|not been delivered.{0,80}\bafter more than",
            r"be delivered yet",
            r"will (?:continue|keep|be) (?:to )?(?:be )?(?:re-?tr|try)|will re-?try\b|will try again",
            r"attempts will continue|has been postponed",
            r"(?:still|keep) trying",
            r"(?:is|was|has been) delayed",
            r"temporary failure report",
            r"no action is required",
            r"noch nicht zugestellt|weiterhin versucht|pas encore (?:ete |.t. )?(?:remis|distribu|livr)",
            r"todav.a no|non . (?:stato )?ancora|ainda n.o|nog niet|jeszcze nie|пока не|ещ[её] не",
            r"まだ配信|再送(?:を|信)?(?:試み|し続)|尚未|[继繼][续續][尝嘗][试試]|아직",
        )
    ),
    re.IGNORECASE,
)


def is_from_a_daemon(fields: Fields) -> bool:
    """True for what a mail server sends on a failure, by its sender, subject or the fields that only they write."""
    if is_read_receipt(fields):
        return False
    if fields.get("x-failed-recipients") or "delivery-status" in fields.get("content-type").lower():
        return True
    subject = readable(fields.get("subject"))
    if _AUTO_SUBJECT.search(subject):
        return False
    return bool(_DAEMON.search(readable(fields.get("from"))) or _BOUNCE_SUBJECT.search(subject))


def tells_of_a_failure(fields: Fields, words: str) -> bool:
    """True for what is no automatic reply and says that mail was not delivered; of a mail from the null sender."""
    return not is_auto_reply(fields) and _BOUNCE_WORDS.search(words) is not None


def is_read_receipt(fields: Fields) -> bool:
    """RFC 8098: that somebody has read the message or thrown it away; it was delivered, whoever tells it.

    A refusal in this form (RFC 5429 2.1.2, as Dovecot sends it) is none.
    """
    receipt = "disposition-notification" in fields.get("content-type").lower()
    return receipt and "reject" not in readable(fields.get("subject")).lower()


def is_auto_reply(fields: Fields) -> bool:
    """RFC 3834 5, what was used before it, and read receipts."""
    if is_read_receipt(fields):
        return True
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
