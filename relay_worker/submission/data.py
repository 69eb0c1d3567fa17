"""The message after DATA: where it ends, what may not be in it, and its dots (RFC 5321 4.1.1.4, 4.5.2)."""

from platform_core.mail.lines import ends_in_pairs, has_dot_ahead
from relay_worker.submission.replies import BARE_LINE_END, NUL_IN_MESSAGE, Refused

END = b"\r\n.\r\n"


class EndOfData:
    """Finds the end of the message in a growing buffer, looking at each octet once.

    CRLF.CRLF alone ends a message. The CRLF of the DATA line counts as the first one, so a message may be empty.
    Bare CR or LF around a dot end nothing: two servers that disagree about that can be made to see two messages
    where one was sent (SMTP smuggling).
    """

    __slots__ = ("_searched",)

    def __init__(self) -> None:
        self._searched = 0

    def find(self, buffer: bytearray) -> tuple[int, int] | None:
        """Where the content ends and where the next command begins; None while the end has not come."""
        if self._searched == 0 and buffer.startswith(END[2:]):
            return 0, 3
        at = buffer.find(END, max(0, self._searched - len(END) + 1))
        if at >= 0:
            return at + 2, at + len(END)
        # A buffer of ".\r" may still become the empty message: the start is looked at again until it can't.
        self._searched = len(buffer) if len(buffer) >= 3 else 0
        return None

    def forget(self, buffer: bytearray) -> None:
        """Drop what was searched, but for the octets that the end may begin with."""
        keep = len(END) - 1
        if len(buffer) > keep:
            del buffer[:-keep]
            self._searched = keep


def checked(content: bytes) -> bytes:
    """The message without its transparency dots. Raises Refused for bare CR or LF, and for NUL.

    The check comes after the whole message was read: refusing earlier would turn the rest of it into commands.
    """
    if not ends_in_pairs(content):
        raise Refused(BARE_LINE_END)
    if b"\0" in content:
        raise Refused(NUL_IN_MESSAGE)
    return without_dots(content)


def without_dots(content: bytes) -> bytes:
    """`content` with the first dot of each line removed (RFC 5321 4.5.2)."""
    if content.startswith(b"."):
        content = content[1:]
    return content.replace(b"\r\n.", b"\r\n") if has_dot_ahead(content) else content
