"""The same conversations with the stock aiosmtpd class: the same codes, but where we differ on purpose."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from tests.relay_worker.submission.relays import RawClient, RunningRelay, make_settings

MAIL = b"MAIL FROM:<me@example.org>"
RCPT = b"RCPT TO:<you@example.net>"
MESSAGE = b"From: me@example.org\r\n\r\nx\r\n.\r\n"

# Each script is what follows EHLO and a login. A step is a command line, or the message after DATA.
SCRIPTS: dict[str, list[bytes]] = {
    "a message": [MAIL, RCPT, b"DATA", MESSAGE, b"QUIT"],
    "two messages": [MAIL, RCPT, b"DATA", MESSAGE, MAIL, RCPT, RCPT, b"DATA", MESSAGE, b"QUIT"],
    "dots": [MAIL, RCPT, b"DATA", b"From: me@example.org\r\n\r\n..\r\n...\r\n.\r\n"],
    "lower case": [b"mail from:<me@example.org>", b"rcpt to:<you@example.net>", b"data", MESSAGE, b"quit"],
    "parameters": [MAIL + b" SIZE=100 BODY=8BITMIME SMTPUTF8", RCPT],
    "body values": [MAIL + b" BODY=BINARYMIME", MAIL + b" BODY=7bit"],
    "smtputf8 with a value": [MAIL + b" SMTPUTF8=YES"],
    "unknown parameters": [MAIL + b" X=1", MAIL, RCPT + b" X=1"],
    "size over the limit": [MAIL + b" SIZE=99999999999"],
    "size without digits": [MAIL + b" SIZE=x", MAIL + b" SIZE"],
    "nested mail": [MAIL, MAIL],
    "rcpt without mail": [RCPT],
    "data without rcpt": [MAIL, b"DATA"],
    "data with an argument": [MAIL, RCPT, b"DATA now"],
    "reset": [MAIL, RCPT, b"RSET", RCPT, b"DATA"],
    "reset with an argument": [b"RSET now"],
    "greeting again": [MAIL, b"EHLO again.example", RCPT],
    "helo": [b"HELO again.example", MAIL, RCPT],
    "greeting without a name": [b"EHLO", b"HELO"],
    "syntax of mail": [b"MAIL", b"MAIL FROM", b"MAIL me@example.org", b"MAIL TO:<me@example.org>"],
    "syntax of rcpt": [MAIL, b"RCPT", b"RCPT TO", b"RCPT you@example.net", b"RCPT FROM:<you@example.net>"],
    "malformed addresses": [b"MAIL FROM:<me@>", MAIL, b"RCPT TO:<you@@example.net>"],
    "noop": [b"NOOP", b"NOOP words"],
    "verify": [b"VRFY <you@example.net>", b"VRFY"],
    "expand": [b"EXPN list"],
    "unknown": [b"WHAT", b"X", b""],
    "beyond ascii": [b"NO\xe9OP"],
    "overlong": [b"NOOP " + b"x" * 600, b"NOOP"],
    "login again": [b"AUTH PLAIN AGEAYg=="],
    "quit with an argument": [b"QUIT now", b"QUIT"],
    "null sender": [b"MAIL FROM:<>", RCPT, b"QUIT"],
    "no angle brackets": [b"MAIL FROM:me@example.org"],
    "control characters": [b"NOOP \x01", b"VRFY a\tb"],
    "bare line feeds": [b"NOOP\nNOOP"],
    "bare line feed in a message": [MAIL, RCPT, b"DATA", b"From: me@example.org\r\n\r\na\nb\r\n.\r\n"],
    "nul in a message": [MAIL, RCPT, b"DATA", b"From: me@example.org\r\n\r\na\0b\r\n.\r\n"],
    "a long line": [MAIL, RCPT, b"DATA", b"From: me@example.org\r\n\r\n" + b"x" * 2000 + b"\r\n.\r\n"],
    "auth parameter": [MAIL + b" AUTH=<>"],
    "help": [b"HELP", b"HELP MAIL", b"HELP WHAT"],
    "verify a name": [b"VRFY <"],
    "http": [b"GET / HTTP/1.1"],
}  # fmt: skip

# Where the codes differ: what ours are, and why.
ON_PURPOSE: dict[str, tuple[list[str], str]] = {
    "no angle brackets": (["501"], "RFC 5321 4.1.2: a path has angle brackets"),
    "control characters": (["500", "500"], "they have no business in commands, and end up in logs"),
    "bare line feeds": (["500"], "RFC 5321 2.3.8: LF alone ends no line"),
    "bare line feed in a message": (["250", "250", "354", "554"], "the same; SMTP smuggling lives on it"),
    "nul in a message": (["250", "250", "354", "554"], "RFC 5321 4.5.2"),
    "a long line": (
        ["250", "250", "354", "250"],
        "apps send such lines; they are mended when the mail is built",
    ),
    "auth parameter": (["250"], "RFC 4954 5: a server that offers AUTH takes it"),
    "help": (["214", "214", "214"], "RFC 5321 4.2.2 has 214 for help"),
    "verify a name": (["252"], "addresses are not verified, so they are not looked at"),
    "http": ([""], "a browser is hung up on"),
}


class StockServer:
    """aiosmtpd as it ships, on a loop and a thread of its own, with settings near to ours."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(self._session, "127.0.0.1", 0)

    def _session(self) -> SMTP:
        return SMTP(
            None,
            enable_SMTPUTF8=True,
            data_size_limit=make_settings().relay_max_message_bytes,
            auth_require_tls=False,
            authenticator=lambda *_: AuthResult(success=True),
            loop=self._loop,
        )

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        await self._server.wait_closed()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.wait(others, timeout=2) if others else None


@pytest.fixture(scope="module")
def stock() -> Iterator[StockServer]:
    server = StockServer()
    yield server
    server.stop()


def codes(client: RawClient, script: list[bytes]) -> list[str]:
    """The codes of the replies to each step of `script`; "" where the server hung up instead."""
    client.log_in()
    found = []
    for step in script:
        client.send(step if step.endswith(b".\r\n") else step + b"\r\n")
        found.append(client.reply()[:3])
    return found


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_codes_are_those_of_the_stock_class_or_differ_on_purpose(
    relay: RunningRelay, stock: StockServer, name: str
) -> None:
    with relay.raw() as client:
        ours = codes(client, SCRIPTS[name])
    with relay.raw(port=stock.port) as client:
        theirs = codes(client, SCRIPTS[name])
    if name in ON_PURPOSE:
        assert ours == ON_PURPOSE[name][0]
        assert ours != theirs, "no longer a difference: strike it from the table"
    else:
        assert ours == theirs
