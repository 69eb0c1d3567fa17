"""Traffic rules: how much the mail servers of a provider are sent, and what their throttles mean."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Reaction:
    """What a lane does when a reply holds `says` (lower case).

    Nothing for `pause_seconds`, then one connection; at most `messages_per_minute` for `hold_seconds`.
    """

    says: str
    pause_seconds: int = 0
    messages_per_minute: int | None = None
    hold_seconds: int = 0


@dataclass(frozen=True, slots=True)
class TrafficRule:
    """Limits over all workers, for each of our addresses; None: no such limit.

    `one_lane`: all servers under the suffixes share them; otherwise each set of servers has them to itself. `source` and
    `sourced_on` say where the values come from.
    """

    name: str
    mx_suffixes: tuple[str, ...]
    one_lane: bool
    connections: int
    connections_per_minute: int | None
    messages_per_connection: int
    messages_per_hour: int | None
    requires_tls: bool
    source: str
    sourced_on: date
    reactions: tuple[Reaction, ...] = field(default=())


class RuleBook:
    """The rules by the suffixes of mail servers' names. `default` must be among them."""

    def __init__(self, rules: Iterable[TrafficRule]) -> None:
        self.rules = tuple(rules)
        self.default = next(rule for rule in self.rules if rule.name == DEFAULT)
        self._by_suffix = {suffix: rule for rule in self.rules for suffix in rule.mx_suffixes}

    def provider_of(self, host: str) -> TrafficRule | None:
        """The rule that names this mail server, by its longest suffix; None when none does."""
        name = host
        while name:
            if name in self._by_suffix:
                return self._by_suffix[name]
            name = name.partition(".")[2]
        return None

    def reaction(self, rule: TrafficRule, text: str, *, throttled: bool) -> Reaction | None:
        """What the reply `text` asks of a lane under `rule`.

        A provider's own words count wherever they stand; those of the default only in what is a throttle anyway.
        """
        words = text.lower()
        own = next((reaction for reaction in rule.reactions if reaction.says in words), None)
        if own is not None or not throttled:
            return own
        return next((reaction for reaction in self.default.reactions if reaction.says in words), None)
