"""What a lane may have: how many connections, how fast, how much on each."""

from dataclasses import dataclass

from platform_core.settings import Settings


@dataclass(frozen=True, slots=True)
class LaneLimits:
    """How much one destination gets of this worker, whatever its rule says; where no rule speaks of it, all it gets.

    `idle_seconds`: how long an unused connection is kept.
    """

    connections: int
    messages_per_connection: int
    idle_seconds: float

    @classmethod
    def from_settings(cls, settings: Settings) -> "LaneLimits":
        return cls(
            settings.delivery_connections_per_destination,
            settings.delivery_messages_per_connection,
            settings.delivery_idle_seconds,
        )


@dataclass(frozen=True, slots=True)
class Bounds:
    """What all workers together may do on one lane now; None: no such limit."""

    connections: int
    connections_per_minute: int | None
    messages_per_connection: int
    messages_per_hour: int | None
