"""What a traffic rule must be like, in sentences for whoever edits it."""

import re
from collections.abc import Iterable

from platform_core.errors import InvalidInput
from relay_worker.traffic.rules import DEFAULT, Reaction, TrafficRule

DAY = 86_400  # seconds

_NAME = re.compile(r"[a-z][a-z0-9-]{0,40}")
_SUFFIX = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
# Smallest and largest of each number.
_BOUNDS = {
    "connections": (1, 1000),
    "connections_per_minute": (1, 100_000),
    "messages_per_connection": (1, 100_000),
    "messages_per_hour": (1, 100_000_000),
}


def check_rule(rule: TrafficRule, others: Iterable[TrafficRule]) -> None:
    """Raises InvalidInput. `others`: the rules beside it."""
    if not _NAME.fullmatch(rule.name):
        raise InvalidInput(
            "name", "A rule's name begins with a letter and has only lower-case letters, digits and hyphens."
        )
    for field, (least, most) in _BOUNDS.items():
        value = getattr(rule, field)
        if value is not None and not least <= value <= most:
            raise InvalidInput(field, f"Please enter a number from {least} to {most}.")
    if not rule.source.strip():
        raise InvalidInput("source", "Say where the values come from.")
    _check_suffixes(rule, others)
    for reaction in rule.reactions:
        check_reaction(reaction)


def check_reaction(reaction: Reaction) -> None:
    """Raises InvalidInput."""
    if len(reaction.says.strip()) < 3:
        raise InvalidInput("says", "Three characters of the reply at least: less would be found in any.")
    if not 0 <= reaction.pause_seconds <= DAY or not 0 <= reaction.hold_seconds <= DAY:
        raise InvalidInput("pause", "A pause lasts a day at most.")
    bound = reaction.messages_per_minute
    if bound is not None and not 1 <= bound <= 10_000:
        raise InvalidInput("messages_per_minute", "Please enter a number from 1 to 10000.")
    if (bound is None) != (reaction.hold_seconds == 0):
        raise InvalidInput("hold", "A rate needs a time for which it holds, and the time a rate.")
    if bound is None and not reaction.pause_seconds:
        raise InvalidInput("pause", "The reaction needs a pause or a rate.")


def _check_suffixes(rule: TrafficRule, others: Iterable[TrafficRule]) -> None:
    if (rule.name == DEFAULT) != (not rule.mx_suffixes):
        raise InvalidInput(
            "mx_suffixes",
            "The default holds for all other servers, and names none; every other rule names some.",
        )
    taken = {
        suffix: other.name for other in others if other.name != rule.name for suffix in other.mx_suffixes
    }
    for suffix in rule.mx_suffixes:
        if not _SUFFIX.fullmatch(suffix):
            raise InvalidInput("mx_suffixes", f"{suffix!r} is no end of a mail server's name.")
        if suffix in taken:
            raise InvalidInput("mx_suffixes", f"{suffix} belongs to the rule {taken[suffix]} already.")
