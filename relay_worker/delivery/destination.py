"""Where mail for a domain goes: its mail servers in the order they are to be tried."""

import random
from dataclasses import dataclass

from platform_core.mail.replies import Reply


@dataclass(frozen=True, slots=True)
class MailServer:
    """One address of one mail server."""

    host: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Destination:
    """The servers of a domain, most preferred group first. Domains with the same servers share their `key`."""

    key: str
    groups: tuple[tuple[MailServer, ...], ...]

    def in_order(self, rng: random.Random) -> list[MailServer]:
        """All servers; those of equal preference shuffled anew to spread the load (RFC 5321 5.1)."""
        return [server for group in self.groups for server in rng.sample(group, len(group))]


@dataclass(frozen=True, slots=True)
class NoRoute:
    """Mail for the domain can go nowhere, for now (4xx) or for good (5xx); `reply` says why in our words."""

    reply: Reply
