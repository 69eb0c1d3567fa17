"""A recipient's state in words and colour."""

from dataclasses import dataclass

from flask import Flask
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from platform_core.mail.states import BounceKind, EventKind, RecipientState


@dataclass(frozen=True, slots=True)
class StateWords:
    """`colour` names a dot of the style sheet; `meaning` says what the state means and what happens next."""

    label: LazyString
    colour: str
    meaning: LazyString


_WORDS = {
    RecipientState.QUEUED: StateWords(
        _l("Queued"),
        "busy",
        _l("We have accepted this e-mail and are about to hand it to the recipient's mail server."),
    ),
    RecipientState.HELD: StateWords(
        _l("Held"),
        "idle",
        _l(
            "Your plan and credits don't cover this e-mail. It waits, and is sent by itself as soon as they do; nothing was charged."
        ),
    ),
    RecipientState.DEFERRED: StateWords(
        _l("Deferred"),
        "warn",
        _l(
            "The recipient's mail server asked us to come back later. We keep trying; there is nothing you need to do."
        ),
    ),
    RecipientState.DELIVERED: StateWords(
        _l("Delivered"),
        "good",
        _l("The recipient's mail server has accepted this e-mail and is now responsible for it."),
    ),
    RecipientState.EXPIRED: StateWords(
        _l("Expired"),
        "bad",
        _l(
            "The recipient's mail server kept putting us off until the time for delivery was over. We have stopped trying."
        ),
    ),
    RecipientState.DROPPED: StateWords(
        _l("Dropped"),
        "idle",
        _l("Nothing was sent: the recipient is on your suppression list, or the e-mail was withdrawn."),
    ),
}
_HARD = StateWords(
    _l("Bounced (hard)"),
    "bad",
    _l("The recipient's mail server refused this address for good. We have put it on your suppression list."),
)
_SOFT = StateWords(
    _l("Bounced (soft)"),
    "bad",
    _l(
        "The recipient's mail server refused this e-mail. The address itself may be fine; the reply below says why."
    ),
)
# What else a history holds; the rest are the states' own.
_EVENTS = {
    EventKind.RELEASED: StateWords(_l("Released"), "busy", _l("It was paid for and went into the queue.")),
    EventKind.DELAYED: StateWords(
        _l("Delayed there"), "warn", _l("The receiving side has the e-mail and still tries to deliver it.")
    ),
    EventKind.CONFIRMED: StateWords(
        _l("Confirmed"), "good", _l("The receiving side says that it has delivered the e-mail.")
    ),
    EventKind.AUTO_REPLIED: StateWords(
        _l("Automatic reply"), "idle", _l("The recipient's mailbox has answered by itself.")
    ),
    EventKind.COMPLAINED: StateWords(
        _l("Reported as spam"),
        "bad",
        _l(
            "The recipient has reported this e-mail as spam. We have put the address on your suppression list."
        ),
    ),
    EventKind.NOT_SPAM: StateWords(
        _l("Not spam"), "good", _l("The recipient has said that this e-mail is no spam.")
    ),
    EventKind.UNSUBSCRIBED: StateWords(
        _l("Unsubscribed"),
        "idle",
        _l("The recipient wants no more e-mails. We have put the address on your suppression list."),
    ),
}
FILTERS = tuple(RecipientState)
_BOUNCED = StateWords(_l("Bounced"), "bad", _SOFT.meaning)


def words_for(state: RecipientState, kind: BounceKind | None = None) -> StateWords:
    """How a page shows `state`; a bounce says whether it was hard or soft, where that is known."""
    if state is RecipientState.BOUNCED:
        return {BounceKind.HARD: _HARD, BounceKind.SOFT: _SOFT}.get(kind, _BOUNCED) if kind else _BOUNCED
    return _WORDS[state]


def words_for_event(kind: EventKind, bounce: BounceKind | None = None) -> StateWords:
    """How a history shows an event of this kind."""
    return _EVENTS.get(kind) or words_for(RecipientState(kind), bounce)


def add_state_words(app: Flask) -> None:
    """Let the templates of `app` ask for the words of a state or an event."""
    app.jinja_env.globals["words_for"] = words_for
    app.jinja_env.globals["words_for_event"] = words_for_event
