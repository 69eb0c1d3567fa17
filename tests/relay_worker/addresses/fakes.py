"""An address book in memory, addresses for it, and mail that asks for one."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from platform_core.errors import Unavailable
from platform_core.ids import AccountId, MessageId, ResellerId, new_message_id
from relay_worker.addresses.book import Holdings, HourResult, Pool, PooledAddress, Till
from relay_worker.addresses.chooser import Source
from relay_worker.addresses.providers import Provider
from relay_worker.addresses.states import Standing
from relay_worker.queue.claims import Claimed

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
OURS, OTHERS = ResellerId(1), ResellerId(2)


class MemoryBook:
    """`AddressBook` with one till for each address, provider and day, of `per_day` recipients."""

    def __init__(self, holdings: Holdings, per_day: int = 200) -> None:
        self.known = holdings
        self.per_day = per_day
        self.taken: Counter[Till] = Counter()
        self.counted: list[HourResult] = []
        self.away = False

    async def holdings(self) -> Holdings:
        self._answer()
        return self.known

    async def take(self, wishes: dict[Till, int]) -> dict[Till, int]:
        self._answer()
        return {till: self._take(till, wish) for till, wish in wishes.items()}

    async def count(self, results: Sequence[HourResult]) -> None:
        self._answer()
        self.counted += results

    def _take(self, till: Till, wish: int) -> int:
        granted = max(min(wish, self.per_day - self.taken[till]), 0 if wish > 0 else -self.taken[till])
        self.taken[till] += granted
        return granted

    def _answer(self) -> None:
        if self.away:
            raise Unavailable("the database is away")


def address(
    ip_id: int,
    pool_id: int = 1,
    *warming: Provider,
    active: bool = True,
    standing: Standing = Standing.SOUND,
    version: int = 4,
) -> PooledAddress:
    text = f"192.0.2.{ip_id}" if version == 4 else f"2001:db8::{ip_id}"
    source = Source(ip_id, text, f"mta{ip_id}.example.net")
    return PooledAddress(source, pool_id, version, active, standing, frozenset(warming))


def holdings(*addresses: PooledAddress, pools: Sequence[Pool] = (), **assigned: int) -> Holdings:
    """With one default pool unless others are given; `assigned`: `r1=2` for reseller 1, `r1_a7=3` for its account 7."""
    who = {}
    for name, pool_id in assigned.items():
        reseller, _, account = name.removeprefix("r").partition("_a")
        who[ResellerId(int(reseller)), AccountId(int(account)) if account else None] = pool_id
    return Holdings(tuple(pools) or (Pool(1, is_default=True),), addresses, who)


def mail(reseller: ResellerId = OURS, account: int = 7) -> Claimed:
    return Claimed(
        reseller_id=reseller,
        account_id=AccountId(account),
        message_id=MessageId(new_message_id(NOON)),
        n=0,
        lane=1,
        rcpt_to="someone@example.org",
        domain="example.org",
        attempts=0,
        accepted_at=NOON,
        expires_at=NOON,
        mail_from="bounces@shop.example",
        header_from="hello@shop.example",
        smtputf8=False,
        body_8bit=False,
        size=100,
        raw=None,
    )
