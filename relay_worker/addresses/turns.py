"""Turns: addresses that may all send take them evenly, a stretch each, so that connections are used again."""

from collections import OrderedDict
from collections.abc import Hashable

STRETCH = 10  # recipients to one site before the next address has its turn
MAX_KEPT = 20_000  # sites and groups of addresses


class Turns:
    """Counts what was sent by each group, and so knows whose turn it is. Forgets the groups longest unused."""

    def __init__(self) -> None:
        self._sent: OrderedDict[Hashable, int] = OrderedDict()

    def take(self, group: Hashable, size: int, recipients: int) -> int:
        """Which of the `size` members of the group sends these recipients."""
        sent = self._sent.get(group, 0)
        self._sent[group] = sent + recipients
        self._sent.move_to_end(group)
        if len(self._sent) > MAX_KEPT:
            self._sent.popitem(last=False)
        return sent // STRETCH % size
