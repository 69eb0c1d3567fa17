"""Which site a request is for: host name -> console, portal or tracking. A Host header is hostile until parsed here."""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from platform_core.database import ResellerRef
from platform_core.errors import Unavailable
from whitelabel.neutral import neutral_page

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Where a site finds its Host in the WSGI environment.
HOST = "site.host"

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
# The name, an optional trailing dot, an optional port (RFC 9110 7.2). Address literals with brackets are nobody's site.
_HEADER = re.compile(rf"(?P<name>(?:{_LABEL}\.)*{_LABEL})\.?(?P<port>:[0-9]{{1,5}})?", re.ASCII)


class SiteKind(StrEnum):
    """The kinds of site, each its own Flask application: no sessions, routes or login managers in common."""

    CONSOLE = "console"
    PORTAL = "portal"
    TRACKING = "tracking"


@dataclass(frozen=True, slots=True)
class Host:
    """One configured host name and what it leads to; the console alone has no reseller. `active`: not suspended."""

    name: str
    kind: SiteKind
    reseller: ResellerRef | None = None
    active: bool = True


FindHost = Callable[[str], Host | None]


def parse_host(header: str) -> str | None:
    """The name in a Host header, lower case, without port and trailing dot; None when it is not a host name."""
    match = _HEADER.fullmatch(header.lower())
    if match is None or len(match["name"]) > 253:
        return None
    return match["name"]


class RememberedHosts:
    """Remembers for `seconds` what `find` said of a name, misses included; at most `most` names at a time.

    A suspended reseller or a new host name is therefore noticed within `seconds` by every web process.
    """

    def __init__(
        self,
        find: FindHost,
        *,
        seconds: float = 3,
        most: int = 10_000,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find = find
        self._seconds = seconds
        self._most = most
        self._timer = timer
        self._known: dict[str, tuple[float, Host | None]] = {}

    def __call__(self, name: str) -> Host | None:
        now = self._timer()
        remembered = self._known.get(name)
        if remembered is not None and remembered[0] > now:
            return remembered[1]
        host = self._find(name)
        if len(self._known) >= self._most:
            # Names that nobody has come from scanners; forgetting all of them is cheaper than keeping order.
            self._known.clear()
        self._known[name] = (now + self._seconds, host)
        return host


class HostDispatcher:
    """The outermost application: hands each request to the site its host name belongs to.

    An unknown or malformed name gets a page that names nobody and leads nowhere.
    """

    def __init__(self, sites: Mapping[SiteKind, "WSGIApplication"], *, find: FindHost) -> None:
        self.sites = sites
        self._find = find

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        name = parse_host(environ.get("HTTP_HOST", ""))
        try:
            host = self._find(name) if name else None
        except Unavailable:
            return neutral_page(503)(environ, start_response)
        if host is None or host.kind not in self.sites:
            return neutral_page(404)(environ, start_response)
        environ[HOST] = host
        return self.sites[host.kind](environ, start_response)
