"""The MTA-STS policies of domains: fetched when announced, and kept for as long as they ask (RFC 8461 3.3, 5.1)."""

import asyncio
from datetime import UTC, datetime, timedelta

import structlog

from platform_core.clock import Clock
from platform_core.errors import Unavailable
from relay_worker.delivery.tls.announcements import Announcements, DnsSilent
from relay_worker.delivery.tls.mta_sts import StsPolicy, parse_policy
from relay_worker.delivery.tls.policy_host import PolicyHost, PolicyUnavailable
from relay_worker.delivery.tls.tally import TlsTally
from relay_worker.queue.tls_book import KeptPolicy, PolicyType, TlsBook

# Fetched anew so often even when nothing is announced to have changed, long before it expires: else an attacker who
# blocks the policy host would only have to wait for its end (RFC 8461 10.2).
REFETCH_AFTER = timedelta(days=1)
# RFC 8461 3.3: a policy host that failed is not asked again for 5 minutes.
RETRY_SECONDS = 300.0
CHECK_SECONDS = 900.0  # between two looks at a domain's announcement
SILENCE_SECONDS = 60.0  # the same, where DNS gave no answer
LEARN_AFTER = timedelta(minutes=1)  # between two looks at what other workers have fetched
_OVERLAP = timedelta(minutes=5)  # for clocks that differ, and commits that came late
_EVER = datetime(1970, 1, 1, tzinfo=UTC)

log = structlog.get_logger()


class KeptPolicies:
    """All policies that any worker has fetched, in memory.

    One statement a minute brings in what is new; a statement for each domain would be one for each message where
    mail goes to many domains. A policy is a few hundred bytes, and few domains of the world have one.
    """

    def __init__(self, book: TlsBook, clock: Clock) -> None:
        self._book = book
        self._clock = clock
        self._known: dict[str, KeptPolicy] = {}
        self._learnt_at = _EVER
        self._learning = asyncio.Lock()

    async def policy(self, domain: str) -> KeptPolicy | None:
        """Raises Unavailable when nothing could be learnt yet: then it is not known whether mail may go in clear."""
        async with self._learning:
            if self._clock.now() >= self._learnt_at + LEARN_AFTER:
                await self._learn()
        kept = self._known.get(domain)
        return kept if kept is not None and kept.expires_at > self._clock.now() else None

    async def keep(self, policy: KeptPolicy) -> None:
        """For this worker at once, for the others as soon as the database takes it."""
        self._known[policy.domain] = policy
        try:
            await self._book.keep(policy)
        except Unavailable as error:
            log.warning("mta_sts.not_kept", domain=policy.domain, error=str(error))

    async def _learn(self) -> None:
        now = self._clock.now()
        since = max(self._learnt_at - _OVERLAP, _EVER)
        try:
            found = await self._book.policies(since)
        except Unavailable:
            if self._learnt_at == _EVER:
                raise
            return  # what is known goes on to hold
        for policy in found:
            if policy.domain not in self._known or self._known[policy.domain].fetched_at < policy.fetched_at:
                self._known[policy.domain] = policy
        self._known = {name: policy for name, policy in self._known.items() if policy.expires_at > now}
        self._learnt_at = now


class StsPolicies:
    """Finds the policy that holds for a domain now."""

    def __init__(
        self,
        announcements: Announcements,
        host: PolicyHost,
        kept: KeptPolicies,
        tally: TlsTally,
        clock: Clock,
    ) -> None:
        self._announcements = announcements
        self._host = host
        self._kept = kept
        self._tally = tally
        self._clock = clock

    async def find(self, domain: str) -> tuple[StsPolicy | None, float]:
        """The policy, and for how many seconds it need not be asked for again. Raises Unavailable.

        Whatever goes wrong with DNS or the policy host, a policy that is kept holds until it expires: those are just
        what an attacker would break (RFC 8461 10.2).
        """
        kept = await self._kept.policy(domain)
        try:
            announced = await self._announcements.policy_id(domain)
        except DnsSilent:
            return _parsed(kept), SILENCE_SECONDS
        # A policy that is kept also outlives its announcement (RFC 8461 3.1): a domain takes it back by mode `none`.
        if announced is None or (kept is not None and not self._is_old(kept, announced)):
            return _parsed(kept), CHECK_SECONDS
        try:
            policy = await self._host.fetch(domain)
        except PolicyUnavailable as error:
            log.warning("mta_sts.not_fetched", domain=domain, reason=str(error), kept=kept is not None)
            self._tally.add(domain, PolicyType.STS, "", error.failure)
            return _parsed(kept), RETRY_SECONDS
        now = self._clock.now()
        await self._kept.keep(KeptPolicy(domain, announced, policy.text(), now, now + policy.max_age))
        return policy, CHECK_SECONDS

    def _is_old(self, kept: KeptPolicy, announced: str) -> bool:
        return kept.id != announced or self._clock.now() >= kept.fetched_at + REFETCH_AFTER


def _parsed(kept: KeptPolicy | None) -> StsPolicy | None:
    return None if kept is None else parse_policy(kept.text)
