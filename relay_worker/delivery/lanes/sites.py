"""Sites: where mail really goes. Domains whose mail servers are the same, or of one provider, are one site."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b

from relay_worker.delivery.destination import Destination
from relay_worker.delivery.lanes.limits import LaneLimits
from relay_worker.traffic.rules import DEFAULT, RuleBook, TrafficRule

OPERATOR = "operator"
MAX_KNOWN = 20_000


@dataclass(frozen=True, slots=True)
class Site:
    """A provider, or a set of mail servers. `lane` numbers it in the queue.

    `bounded`: other workers' connections count too; the operator's own servers are not, unless a rule names them: they
    bear what the settings say.
    """

    name: str
    rule: TrafficRule
    lane: int
    bounded: bool


class Sites:
    """Finds the site of a destination by the rules in force, and notes which domains share one."""

    def __init__(self, limits: LaneLimits) -> None:
        self._limits = limits
        self._operators_rule = rule_of_settings(OPERATOR, limits)
        self._book = RuleBook([rule_of_settings(DEFAULT, limits)])
        self._known: OrderedDict[str, Site] = OrderedDict()
        self._first_domain: OrderedDict[int, str] = OrderedDict()
        self._news: dict[str, int] = {}
        self._told: OrderedDict[str, int] = OrderedDict()

    @property
    def book(self) -> RuleBook:
        return self._book

    def follow(self, book: RuleBook) -> None:
        """These rules hold from now on."""
        if book.rules != self._book.rules:
            self._book = book
            self._known.clear()

    def of(self, destination: Destination) -> Site:
        site = self._known.get(destination.key)
        if site is None:
            site = self._known[destination.key] = self._look_up(destination)
            if len(self._known) > MAX_KNOWN:
                self._known.popitem(last=False)
        return site

    def note(self, domain: str, site: Site, lane: int) -> None:
        """Mail to `domain` was queued on `lane` and goes to `site`. Once another domain does so too, both are news."""
        if lane == site.lane or not site.bounded or self._told.get(domain) == site.lane:
            return
        first = self._first_domain.setdefault(site.lane, domain)
        if site.rule.one_lane or first != domain:
            self._news[domain] = site.lane
            self._news[first] = site.lane
        if len(self._first_domain) > MAX_KNOWN:
            self._first_domain.popitem(last=False)

    def take_news(self) -> dict[str, int]:
        """Lanes of domains that the queue does not know yet."""
        news, self._news = self._news, {}
        # What is due already goes on to come from its old lane: that is no news.
        self._told.update(news)
        while len(self._told) > MAX_KNOWN:
            self._told.popitem(last=False)
        return news

    def _look_up(self, destination: Destination) -> Site:
        # The server preferred to all others says whose site it is: a backup elsewhere does not change that.
        rule = self._book.provider_of(destination.groups[0][0].host)
        if rule is None and destination.by_operator:
            return Site(destination.key, self._operators_rule, lane_of(destination.key), False)
        rule = rule or self._book.default
        name = rule.name if rule.one_lane else destination.key
        return Site(name, rule, lane_of(name), True)


def lane_of(site: str) -> int:
    """The number of a site's lane, the same in every process."""
    return int.from_bytes(blake2b(site.encode(), digest_size=4).digest(), "big", signed=True)


def rule_of_settings(name: str, limits: LaneLimits) -> TrafficRule:
    """For what no rule speaks of."""
    return TrafficRule(
        name=name,
        mx_suffixes=(),
        one_lane=False,
        connections=limits.connections,
        connections_per_minute=None,
        messages_per_connection=limits.messages_per_connection,
        messages_per_hour=None,
        requires_tls=False,
        source="settings",
        sourced_on=date.min,
    )
