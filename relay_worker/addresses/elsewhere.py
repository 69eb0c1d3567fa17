"""Mail that only another machine's addresses may send."""

from collections.abc import Collection

from relay_worker.addresses.order import SendingOrder
from relay_worker.queue.claims import Claimed


def address_for(claimed: Claimed, order: SendingOrder, elsewhere: Collection[str]) -> int | None:
    """The id of an address of the first group that any machine can send from; None when this machine can.

    So two machines never hand the same recipient to each other: the one that gets it has an address in that group.
    Addresses whose machine has let such mail lie are as good as paused, and the next group is looked at.
    """
    for group in order:
        if any(one.source.address not in elsewhere for one in group):
            return None
        there = [one for one in group if not one.absent]
        if there:
            # All recipients of a message go together, and messages in turn: the end of an id is random.
            return there[claimed.message_id.int % len(there)].source.ip_id
    return None
