"""Where mail for a domain goes: its mail servers in the order they are to be tried."""

import random
from dataclasses import dataclass, field

from platform_core.mail.replies import Reply


@dataclass(frozen=True, slots=True)
class MailServer:
    """One address of one mail server."""

    host: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Destination:
    """The servers of a domain, most preferred group first. Domains with the same servers share their `key`.

    `by_operator`: set by the operator, who knows what they bear. `versions`: of IP, those that their addresses have.
    """

    key: str
    groups: tuple[tuple[MailServer, ...], ...]
    by_operator: bool = False
    versions: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        versions = frozenset(6 if ":" in server.address else 4 for group in self.groups for server in group)
        object.__setattr__(self, "versions", versions)

    def in_order(self, rng: random.Random) -> list[MailServer]:
        """All servers; those of equal preference shuffled anew to spread the load (RFC 5321 5.1)."""
        return [server for group in self.groups for server in rng.sample(group, len(group))]


@dataclass(frozen=True, slots=True)
class NoRoute:
    """Mail for the domain can go nowhere, for now (4xx) or for good (5xx); `reply` says why in our words."""

    reply: Reply
