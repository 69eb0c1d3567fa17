"""The form of a phrase.

Texts arrive in lower case, on one line, with addresses as `<>` and links as their host and Google's `p=word` (see
`classify.plain`).
"""

import re
from dataclasses import dataclass

from relay_worker.bounces.classes import OutcomeClass


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that give a reason. `pattern` is searched for in the plain text."""

    outcome: OutcomeClass
    pattern: re.Pattern[str]


def phrase(outcome: OutcomeClass, *patterns: str) -> Phrase:
    """Any of `patterns`. Each repeats words a few times at most, so that no text makes the search slow."""
    return Phrase(outcome, re.compile("|".join(patterns)))
