"""The line in which transactions wait for a lane: resellers take turns."""

from collections import OrderedDict, deque
from collections.abc import Iterator

from platform_core.ids import ResellerId
from relay_worker.delivery.transaction import Transaction


class Line:
    """First come, first served within a reseller; one reseller's thousand waits as long as another's ten."""

    def __init__(self) -> None:
        self._first: deque[Transaction] = deque()
        self._turns: OrderedDict[ResellerId, deque[Transaction]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def put(self, transaction: Transaction) -> None:
        reseller = transaction.recipients[0].reseller_id
        waiting = self._turns.get(reseller)
        if waiting is None:
            self._turns[reseller] = deque((transaction,))
        else:
            waiting.append(transaction)
        self._length += 1

    def put_first(self, transaction: Transaction) -> None:
        """It has had its turn already."""
        self._first.appendleft(transaction)
        self._length += 1

    def take(self) -> Transaction:
        """The next one. Raises StopIteration when nothing waits: ask for the length before."""
        self._length -= 1
        if self._first:
            return self._first.popleft()
        reseller, waiting = next(iter(self._turns.items()))
        transaction = waiting.popleft()
        if waiting:
            self._turns.move_to_end(reseller)
        else:
            del self._turns[reseller]
        return transaction

    def take_all(self) -> Iterator[Transaction]:
        while self._length:
            yield self.take()
