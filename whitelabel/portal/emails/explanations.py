"""Why a delivery came out as it did, in words for the customer: what happened, who must act, and how."""

from dataclasses import dataclass

from flask import Flask
from flask_babel import LazyString, gettext
from flask_babel import lazy_gettext as _l

from relay_worker.bounces.classes import MEANINGS, Actor, OutcomeClass

_WHO = {
    Actor.RECIPIENT: _l("The recipient must act"),
    Actor.CUSTOMER: _l("You must act"),
    Actor.PLATFORM: _l("We act"),
    Actor.RECEIVER: _l("The receiving server's administrator must act"),
    Actor.NOBODY: _l("Nobody needs to act"),
}
# These say no more than the state itself does.
_PLAIN = frozenset({OutcomeClass.DELIVERED, OutcomeClass.HANDED_ON})


@dataclass(frozen=True, slots=True)
class Explanation:
    """`advice` is half a sentence: what the one who must act should do."""

    sentence: str
    who: LazyString
    advice: str


def explain(outcome: OutcomeClass | None) -> Explanation | None:
    """None where there is nothing to explain. Sentences are translated by their English words."""
    if outcome is None or outcome in _PLAIN:
        return None
    meaning = MEANINGS[outcome]
    return Explanation(gettext(meaning.sentence), _WHO[meaning.actor], gettext(meaning.advice))


def add_explanations(app: Flask) -> None:
    """Let the templates of `app` ask for an outcome's explanation."""
    app.jinja_env.globals["explain"] = explain
