"""What a delivery report says to people."""

from email.utils import format_datetime

from platform_core.mail.states import RecipientState
from relay_worker.bounces.classes import MEANINGS
from relay_worker.bounces.report import Action
from relay_worker.notices.due import Fate, NoticeDue

_SUBJECTS = {
    Action.FAILED: "Your message could not be delivered",
    Action.DELAYED: "Your message is delayed",
    Action.DELIVERED: "Your message was delivered",
    Action.RELAYED: "Your message was handed on",
}
_OPENINGS = {
    Action.FAILED: "could not be delivered to",
    Action.DELAYED: "is not delivered yet, and is tried further, to",
    Action.DELIVERED: "was delivered to",
    Action.RELAYED: "was taken by the mail server in charge, which sends no reports itself, of",
}
_DROPPED = "You have asked for no more mail to this address: it is on your suppression list."


def subject_of(action: Action) -> str:
    return _SUBJECTS[action]


def explain(due: NoticeDue) -> str:
    """The text for people: which message, which recipients, why, and what can be done."""
    about = f'Your message "{due.subject}"' if due.subject else "Your message"
    lines = [
        f"This is the mail service of {due.company_name}.",
        "",
        f"{about} of {format_datetime(due.received_at)} {_OPENINGS[due.action]}:",
    ]
    for fate in due.recipients:
        lines += ["", f"  {fate.rcpt_to}", *(f"    {line}" for line in _why(due.action, fate))]
    return "\n".join(
        [*lines, "", "You get this report because it was asked for when the message was sent.", ""]
    )


def _why(action: Action, fate: Fate) -> list[str]:
    said = " ".join(fate.diagnostic.split())
    quoted = [f"{fate.remote_host or 'The mail server'} said: {said}"] if said else []
    if action in (Action.DELIVERED, Action.RELAYED):
        return quoted
    if fate.outcome is not None:
        meaning = MEANINGS[fate.outcome]
        return [f"{meaning.sentence} What to do: {meaning.advice}.", *quoted]
    return [_DROPPED] if fate.state is RecipientState.DROPPED else quoted
