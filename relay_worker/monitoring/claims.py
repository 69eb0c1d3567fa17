"""A worker's way into the database with a counter beside it."""

import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from platform_core.ids import AccountId, MessageId, ResellerId
from platform_core.monitoring.tallies import SIZES, Spread, Tally
from relay_worker.queue.claims import Claimed, Claims, Result, SenderIdentity


class MeasuredClaims(Collector):
    """`Claims` that count what goes through others, and how long the database takes for it."""

    def __init__(self, claims: Claims) -> None:
        self._claims = claims
        self._claim_seconds = Spread("frankpost_claim_seconds", "Time of one claim.")
        self._claim_sizes = Spread("frankpost_claim_recipients", "Recipients in one claim.", (0.0, *SIZES))
        self._finish_seconds = Spread("frankpost_finish_seconds", "Time of logging one batch of results.")
        self._post_seconds = Spread("frankpost_post_seconds", "Time of telling the resellers' rows.")
        self._attempt_seconds = Spread(
            "frankpost_attempt_seconds", "Time of one attempt, from connecting to the reply."
        )
        self._results = Tally(
            "frankpost_delivery_results",
            "Results of attempts, in recipients; the class says why, and is empty for a delivery.",
            ["state", "class"],
        )

    async def claim(self, limit: int, *, exclude_lanes: Sequence[int] = ()) -> list[Claimed]:
        began = time.perf_counter()
        claimed = await self._claims.claim(limit, exclude_lanes=exclude_lanes)
        self._claim_seconds.add(time.perf_counter() - began)
        self._claim_sizes.add(len(claimed))
        return claimed

    async def body(self, reseller_id: ResellerId, message_id: MessageId) -> bytes:
        return await self._claims.body(reseller_id, message_id)

    async def sender(self, reseller_id: ResellerId, account_id: AccountId, domain: str) -> SenderIdentity:
        return await self._claims.sender(reseller_id, account_id, domain)

    async def finish(self, results: Sequence[Result]) -> None:
        began = time.perf_counter()
        await self._claims.finish(results)
        self._finish_seconds.add(time.perf_counter() - began)
        self._results.add([(result.state, result.outcome_class) for result in results])
        for result in results:
            self._attempt_seconds.add(result.duration_ms / 1000)

    async def postpone(self, recipients: Sequence[tuple[MessageId, int]], until: Sequence[datetime]) -> None:
        await self._claims.postpone(recipients, until)

    async def hand_over(self, recipients: Sequence[tuple[MessageId, int]], addresses: Sequence[int]) -> None:
        await self._claims.hand_over(recipients, addresses)

    async def claim_handed(
        self, limit: int, addresses: Sequence[int], *, exclude_lanes: Sequence[int] = ()
    ) -> list[Claimed]:
        return await self._claims.claim_handed(limit, addresses, exclude_lanes=exclude_lanes)

    async def post(self, older: timedelta = timedelta()) -> int:
        began = time.perf_counter()
        posted = await self._claims.post(older)
        self._post_seconds.add(time.perf_counter() - began)
        return posted

    async def renew(self, recipients: Sequence[tuple[MessageId, int]]) -> None:
        await self._claims.renew(recipients)

    def collect(self) -> Iterator[Metric]:
        for one in (
            self._claim_seconds,
            self._claim_sizes,
            self._finish_seconds,
            self._post_seconds,
            self._attempt_seconds,
            self._results,
        ):
            yield one.family()
