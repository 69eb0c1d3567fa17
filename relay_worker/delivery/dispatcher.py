"""From a built message to its lane: who goes in one transaction, and where that leads."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import structlog

from platform_core.mail.replies import Reply
from relay_worker.addresses.chooser import NoSource, SourceChooser
from relay_worker.delivery.build import Built
from relay_worker.delivery.destination import Destination, NoRoute
from relay_worker.delivery.lanes.lane import Access, Postpone, Settle
from relay_worker.delivery.lanes.lanes import Lanes
from relay_worker.delivery.lanes.sites import Site, Sites
from relay_worker.delivery.routes import DestinationFinder
from relay_worker.delivery.tls.finder import TlsPolicies
from relay_worker.delivery.tls.policy import TlsDemand, TlsPolicy, decide
from relay_worker.delivery.tls.required import says_tls_is_not_required
from relay_worker.delivery.transaction import INTERNAL_FAULT, Answer, Stage, Transaction
from relay_worker.queue.claims import Claimed

MAX_RECIPIENTS = 100  # of one transaction: what RFC 5321 4.5.3.1.8 has every server take

log = structlog.get_logger()


def plan(built: Built, recipients: Sequence[Claimed]) -> list[Transaction]:
    """The transactions of one message: by domain, at most 100 recipients each.

    The return path carries the number of the first recipient only: a path for each would cost a transaction for each,
    and a DSN names the recipient anyway (RFC 3464 2.3). Addresses beyond ASCII go apart: a server that can't take them
    may well take the others.
    """
    ordered = sorted(recipients, key=lambda claimed: (*_company(claimed), claimed.n))
    transactions = []
    for _, group in groupby(ordered, key=_company):
        members = tuple(group)
        for start in range(0, len(members), MAX_RECIPIENTS):
            part = members[start : start + MAX_RECIPIENTS]
            mail_from = built.mail_from(part[0].n)
            transactions.append(Transaction(built.message, mail_from, part, built.requires_tls))
    return transactions


def _company(claimed: Claimed) -> tuple[str, bool]:
    return claimed.domain, claimed.rcpt_to.isascii()


@dataclass(frozen=True, slots=True)
class Way:
    """Where mail for a domain goes, and what that domain has published about TLS."""

    destination: Destination
    tls: TlsPolicy


@dataclass(frozen=True, slots=True)
class Maps:
    """What tells where mail goes: the servers of domains, what domains publish about TLS, and whose servers those are."""

    finder: DestinationFinder
    policies: TlsPolicies
    sites: Sites


class Dispatcher:
    """Puts transactions on the lane of their destination and our address. While DNS is asked for one domain the others go on."""

    def __init__(
        self, maps: Maps, lanes: Lanes, sources: SourceChooser, settle: Settle, postpone: Postpone
    ) -> None:
        self._finder = maps.finder
        self._policies = maps.policies
        self._sites = maps.sites
        self._lanes = lanes
        self._sources = sources
        self._settle = settle
        self._postpone = postpone
        self._waiting: dict[str, list[Transaction]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def dispatch(self, transaction: Transaction) -> None:
        domain = transaction.recipients[0].domain
        known = None if domain in self._waiting else self._cached(domain)
        if known is not None:
            self._forward(transaction, known)
            return
        waiting = self._waiting.setdefault(domain, [])
        waiting.append(transaction)
        if len(waiting) == 1:
            task = asyncio.get_running_loop().create_task(self._find(domain))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def cancel(self) -> None:
        """Stop asking; what waited is found again when its lease ends."""
        for task in list(self._tasks):
            task.cancel()

    def _cached(self, domain: str) -> Way | NoRoute | None:
        found = self._finder.cached(domain)
        if found is None or isinstance(found, NoRoute):
            return found
        policy = self._policies.cached(domain, found)
        return None if policy is None else Way(found, policy)

    async def _find(self, domain: str) -> None:
        found: Way | NoRoute
        try:
            found = await self._ask(domain)
        except Exception:
            log.exception("delivery.lookup_failed", domain=domain)
            found = NoRoute(INTERNAL_FAULT.reply)
        for transaction in self._waiting.pop(domain):
            self._forward(transaction, found)

    async def _ask(self, domain: str) -> Way | NoRoute:
        found = await self._finder.find(domain)
        if isinstance(found, NoRoute):
            return found
        return Way(found, await self._policies.find(domain, found))

    def _forward(self, transaction: Transaction, found: Way | NoRoute) -> None:
        if isinstance(found, NoRoute):
            self._settle(transaction, [_unroutable(found.reply)] * len(transaction.recipients))
        else:
            self._launch(transaction, found, self._sites.of(found.destination))

    def _launch(self, transaction: Transaction, way: Way, site: Site) -> None:
        claimed = transaction.recipients[0]
        self._sites.note(claimed.domain, site, claimed.lane)
        source = self._sources.choose(
            claimed,
            site.name,
            site.rule.name,
            count=len(transaction.recipients),
            versions=way.destination.versions,
        )
        demand = _demand(transaction, way.tls, site)
        if isinstance(source, NoSource):
            self._postpone(transaction, source.until)
        elif source is None:
            self._lanes.put(site, Access(way.destination, demand), transaction)
        else:
            access = Access(way.destination, demand, source.address, source.helo)
            transaction = replace(transaction, source=source, provider=site.rule.name)
            self._lanes.put(site, access, transaction)


def _demand(transaction: Transaction, policy: TlsPolicy, site: Site) -> TlsDemand:
    """The header is looked for only where there is something that it could set aside."""
    published = policy.sts is not None or bool(policy.tlsa)
    return decide(
        policy,
        provider_requires_tls=site.rule.requires_tls,
        account_requires_tls=transaction.requires_tls,
        tls_not_required=published and says_tls_is_not_required(transaction.message.head),
    )


def _unroutable(reply: Reply) -> Answer:
    return Answer(reply, Stage.ROUTE)
