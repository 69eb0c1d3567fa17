"""Why an address is suppressed, in words and colour."""

from dataclasses import dataclass

from flask import Flask
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from platform_core.mail.states import SuppressionReason


@dataclass(frozen=True, slots=True)
class ReasonWords:
    """`colour` names a dot of the style sheet; `lifting` says what it means to send to the address again."""

    label: LazyString
    colour: str
    lifting: LazyString


_WORDS = {
    SuppressionReason.HARD_BOUNCE: ReasonWords(
        _l("Bounced (hard)"),
        "bad",
        _l(
            "Its mail server has said that this address does not exist. If that is still so, the next e-mail bounces and puts it back here."
        ),
    ),
    SuppressionReason.COMPLAINT: ReasonWords(
        _l("Reported as spam"),
        "bad",
        _l(
            "This person has reported an e-mail of yours as spam. Another report harms your reputation, and with it the delivery of all your mail. Go on only if the person has asked you to."
        ),
    ),
    SuppressionReason.UNSUBSCRIBE: ReasonWords(
        _l("Unsubscribed"),
        "warn",
        _l(
            "This person has asked for no more e-mails. In most countries you may write again only if the person has agreed to it anew."
        ),
    ),
    SuppressionReason.MANUAL: ReasonWords(
        _l("Added by hand"), "idle", _l("Your next e-mail to this address is sent as usual.")
    ),
}


def words_for_reason(reason: SuppressionReason) -> ReasonWords:
    """How a page shows `reason`."""
    return _WORDS[SuppressionReason(reason)]


def add_reason_words(app: Flask) -> None:
    """Let the templates of `app` ask for a reason's words."""
    app.jinja_env.globals["words_for_reason"] = words_for_reason
