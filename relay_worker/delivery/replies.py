"""Reading a remote's replies off the wire, without trusting it to keep to any limit."""

import re

from platform_core.mail.replies import Reply, parse_reply

MAX_LINE_OCTETS = 4096  # RFC 5321 4.5.3.1.5 says 512; real servers explain themselves at more length
MAX_REPLY_OCTETS = 32_768
MAX_TEXT_CHARACTERS = 4000  # of what is kept with a recipient

_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])([^\n]*))?")
# Control characters would break logs and pages, and Postgres stores no NUL.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class ReplyMalformed(ValueError):
    """What came is no SMTP reply; the message says why, in words for the log of a delivery."""


class ReplyReader:
    """Turns what arrives into replies (RFC 5321 4.2.1). Lines may end in a bare LF: some servers do that."""

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[str] = []
        self._code = 0
        self._octets = 0

    @property
    def in_the_middle(self) -> bool:
        """True when something arrived that is not a whole reply yet."""
        return bool(self._rest or self._lines)

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that `data` completes. Raises ReplyMalformed."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE_OCTETS:
            raise ReplyMalformed(f"a reply line of more than {MAX_LINE_OCTETS} octets")
        return [reply for line in lines if (reply := self._take(line.removesuffix(b"\r"))) is not None]

    def _take(self, line: bytes) -> Reply | None:
        """Add a line; the reply, when it was its last one."""
        match = _LINE.fullmatch(line)
        if match is None or len(line) > MAX_LINE_OCTETS:
            raise ReplyMalformed("a line that is not an SMTP reply")
        code = int(match[1])
        if self._lines and code != self._code:
            raise ReplyMalformed("a reply whose lines bear different codes")
        self._octets += len(line)
        if self._octets > MAX_REPLY_OCTETS:
            raise ReplyMalformed(f"a reply of more than {MAX_REPLY_OCTETS} octets")
        self._code = code
        self._lines.append(_printable((match[3] or b"").decode("utf-8", "replace")))
        return None if match[2] == b"-" else self._complete()

    def _complete(self) -> Reply:
        reply = parse_reply(self._code, self._lines)
        self._lines, self._octets = [], 0
        if len(reply.text) > MAX_TEXT_CHARACTERS:
            return Reply(reply.code, reply.enhanced, reply.text[:MAX_TEXT_CHARACTERS])
        return reply


def _printable(text: str) -> str:
    return text if text.isprintable() else _UNPRINTABLE.sub("?", text)
