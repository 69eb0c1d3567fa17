"""What a run of the engine came to, and what it holds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DrainReport:
    """What one run came to, in recipients.

    `in_flight` were neither finished nor given up when it ended (a slow remote, or a database that is away). As long as the
    event loop runs they go on by themselves, with their leases. `handed_over`: only another machine may send them.
    """

    claimed: int
    delivered: int
    deferred: int
    bounced: int
    expired: int
    in_flight: int
    more_due: bool
    handed_over: int = 0

    @property
    def ring_again(self) -> bool:
        """True when another run is needed at once."""
        return self.more_due or self.in_flight > 0 or self.handed_over > 0


@dataclass(frozen=True, slots=True)
class EngineFigures:
    """What an engine holds: recipients in flight, open connections, lanes, transactions that wait in them, closed lanes."""

    in_flight: int
    connections: int
    lanes: int
    waiting: int
    backed_off: int
