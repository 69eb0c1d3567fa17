"""Reading a message in bulk: as it comes from the connection, within the size and the memory there is."""

from platform_core.mail.replies import Reply
from relay_worker.submission.channel import Channel
from relay_worker.submission.data import EndOfData
from relay_worker.submission.limits import Hold
from relay_worker.submission.replies import MESSAGE_TOO_LARGE, OUT_OF_MEMORY, Refused


async def receive(channel: Channel, hold: Hold, *, largest: int) -> bytes:
    """The octets of the message, with its dots. `hold` counts them until the caller is done with them.

    Raises Refused for a message that can't be taken, after it was read through: the next command begins behind it.
    Raises ClientGone when the client left before its end.
    """
    end, buffer = EndOfData(), channel.inbox.buffer
    while (found := end.find(buffer)) is None:
        refusal = _no_room(len(buffer), hold, largest)
        if refusal is not None:
            hold.give_back()
            await _read_through(channel, end)
            raise Refused(refusal)
        await channel.take_more()
    size, following = found
    refusal = _no_room(size, hold, largest)
    # One copy and no more: the view is let go before the buffer changes.
    with memoryview(buffer) as view:
        data = b"" if refusal else bytes(view[:size])
    del buffer[:following]
    if refusal is not None:
        raise Refused(refusal)
    return data


async def receive_beginning(channel: Channel, hold: Hold, *, most: int) -> bytes:
    """At most the first `most` octets of the message, with its dots; the rest passes without being kept.

    Otherwise as `receive`.
    """
    end, buffer = EndOfData(), channel.inbox.buffer
    while (found := end.find(buffer)) is None and len(buffer) < most and hold.grow_to(len(buffer)):
        await channel.take_more()
    size = min(len(buffer) if found is None else found[0], most)
    fits = hold.grow_to(size)
    if not fits:
        hold.give_back()
    with memoryview(buffer) as view:
        data = bytes(view[: size if fits else 0])
    if found is None:
        await _read_through(channel, end)
    else:
        del buffer[: found[1]]
    if not fits:
        raise Refused(OUT_OF_MEMORY)
    return data


def _no_room(size: int, hold: Hold, largest: int) -> Reply | None:
    if size > largest:
        return MESSAGE_TOO_LARGE
    return None if hold.grow_to(size) else OUT_OF_MEMORY


async def _read_through(channel: Channel, end: EndOfData) -> None:
    """Let the rest of the message pass without keeping it."""
    buffer = channel.inbox.buffer
    while (found := end.find(buffer)) is None:
        end.forget(buffer)
        await channel.take_more()
    del buffer[: found[1]]
