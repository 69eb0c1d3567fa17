"""From a built message to its lane: who goes in one transaction, and where that leads."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import structlog

from platform_core.mail.replies import Reply
from relay_worker.delivery.build import Built
from relay_worker.delivery.destination import Destination, NoRoute
from relay_worker.delivery.lanes import Lanes, Settle
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
            transactions.append(Transaction(built.message, built.mail_from(part[0].n), part))
    return transactions


@dataclass(frozen=True, slots=True)
class Way:
    """Where mail for a domain goes, and what that domain has published about TLS."""
def _company(claimed: Claimed) -> tuple[str, bool]:
    return claimed.domain, claimed.rcpt_to.isascii()



    destination: Destination
    tls: TlsPolicy


class Dispatcher:
    """Puts transactions on the lane of their destination. While DNS is asked for one domain the others go on."""

    def __init__(
        self, finder: DestinationFinder, policies: TlsPolicies, lanes: Lanes, settle: Settle
    ) -> None:
        self._finder = finder
        self._policies = policies
        self._lanes = lanes
        self._settle = settle
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
            self._lanes.put(found.destination, transaction, _demand(transaction, found.tls))


def _demand(transaction: Transaction, policy: TlsPolicy) -> TlsDemand:
    """The header is looked for only where there is something that it could set aside."""
    published = policy.sts is not None or bool(policy.tlsa)
    return decide(
        policy,
        account_requires_tls=transaction.requires_tls,
        tls_not_required=published and says_tls_is_not_required(transaction.message.wire),
    )


def _unroutable(reply: Reply) -> Answer:
    return Answer(reply, Stage.ROUTE)
