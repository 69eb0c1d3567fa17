"""The warm-up allowance that a worker has in hand: taken in chunks as mail asks for it, given back when it does not."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from relay_worker.addresses.book import AddressBook, Till

LEAST_CHUNK = 10  # recipients
# Unused for so long, a chunk goes back, so that another worker can use it.
IDLE = timedelta(minutes=10)


@dataclass(slots=True)
class _Hand:
    """What is in hand of one till. `asked`: recipients that wanted it since the last refill; `dry`: the day has no more."""

    left: int = 0
    asked: int = 0
    dry: bool = False
    asked_at: datetime | None = None


class Allowances:
    """In memory, so that choosing never waits. What is in hand is of one day (UTC) and void after it."""

    def __init__(self) -> None:
        self._hands: dict[Till, _Hand] = {}

    def spend(self, till: Till, recipients: int, now: datetime) -> bool:
        """Take them out of what is in hand; False, and nothing is taken, when there are not so many."""
        hand = self._hands.setdefault(till, _Hand())
        hand.asked += recipients
        hand.asked_at = now
        if hand.left < recipients:
            return False
        hand.left -= recipients
        return True

    def restore(self, till: Till, recipients: int) -> None:
        """Back into the hand: they were not sent after all. Of a day that is over nothing is kept."""
        hand = self._hands.get(till)
        if hand is not None:
            hand.left += recipients

    def is_dry(self, till: Till) -> bool:
        """True when the day's limit is reached, over all workers."""
        hand = self._hands.get(till)
        return hand is not None and hand.dry

    async def refill(self, book: AddressBook, now: datetime) -> None:
        """Take as much again as was asked for since the last time, and give back what lies idle. Raises Unavailable."""
        self._forget_before(now.date())
        wishes = {till: wish for till, hand in self._hands.items() if (wish := _wish(hand, now))}
        for hand in self._hands.values():
            hand.asked = 0
        if wishes:
            await self._take(book, wishes)

    async def give_back(self, book: AddressBook) -> None:
        """All of it: the worker ends. Raises Unavailable."""
        wishes = {till: -hand.left for till, hand in self._hands.items() if hand.left}
        if wishes:
            await self._take(book, wishes)

    async def _take(self, book: AddressBook, wishes: dict[Till, int]) -> None:
        # Out of hand before the call: an answer that is lost must not let the same allowance be used and given back.
        for till, wish in wishes.items():
            self._hands[till].left += min(wish, 0)
        granted = await book.take(wishes)
        for till, wish in wishes.items():
            hand, got = self._hands[till], max(granted.get(till, 0), 0)
            hand.left += got
            hand.dry = got < wish

    def _forget_before(self, today: date) -> None:
        for till in [till for till in self._hands if till.day < today]:
            del self._hands[till]


def _wish(hand: _Hand, now: datetime) -> int:
    """What to take for this hand; negative: to give back; 0: leave it."""
    if hand.asked:
        return max(max(hand.asked, LEAST_CHUNK) - hand.left, 0)
    idle = hand.asked_at is not None and now - hand.asked_at >= IDLE
    return -hand.left if idle else 0
