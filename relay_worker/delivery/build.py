"""Building: the steps from the message that was accepted to the one that is sent."""

from collections.abc import Callable
from dataclasses import dataclass

from platform_core.clock import Clock
from relay_worker.delivery.draft import Draft, ReturnPath, split_message
from relay_worker.delivery.keys import KeyRing
from relay_worker.delivery.steps.envelope import rewrite_envelope_sender
from relay_worker.delivery.steps.headers import add_missing_headers, drop_private_headers
from relay_worker.delivery.steps.line_ends import normalise_line_ends
from relay_worker.delivery.steps.line_length import shorten_lines
from relay_worker.delivery.steps.signature import sign
from relay_worker.delivery.transaction import Outgoing
from relay_worker.delivery.verp import ReturnPaths
from relay_worker.queue.claims import Claimed, SenderIdentity

# The policy, in order. A step returns the new draft, or None when it has nothing to do.
Step = Callable[[Draft], Draft | None]
STEPS: tuple[Step, ...] = (
    drop_private_headers,
    add_missing_headers,
    shorten_lines,
    rewrite_envelope_sender,
    sign,
)


@dataclass(frozen=True, slots=True)
class Built:
    """A message ready to go. Without a return path of ours the envelope sender stays `sender` ("": the null sender)."""

    message: Outgoing
    sender: str
    return_path: ReturnPath | None

    def mail_from(self, n: int) -> str:
        """The envelope sender for a transaction whose first recipient is number `n`."""
        return self.sender if self.return_path is None else self.return_path.for_recipient(n)


class Builder:
    """Runs the steps, with the keys and return paths that they need."""

    def __init__(self, keys: KeyRing, return_paths: ReturnPaths, clock: Clock) -> None:
        self._keys = keys
        self._return_paths = return_paths
        self._clock = clock

    def build(self, claimed: Claimed, sender: SenderIdentity, raw: bytes) -> Built:
        """The message of `claimed`, built and signed once for all its recipients. Raises Unavailable."""
        fields, body = split_message(normalise_line_ends(raw))
        draft = Draft(
            claimed, sender, self._keys.key(sender), self._return_paths, self._clock.now(), fields, body
        )
        for step in STEPS:
            draft = step(draft) or draft
        return Built(_outgoing(draft), claimed.mail_from, draft.return_path)


def _outgoing(draft: Draft) -> Outgoing:
    header = b"\r\n".join(draft.fields)
    raw = b"".join([header, b"\r\n\r\n", draft.body])
    return Outgoing(
        wire=_dot_stuffed(raw) + (b".\r\n" if raw.endswith(b"\r\n") else b"\r\n.\r\n"),
        size=len(raw),
        body_8bit=not draft.body.isascii(),
        headers_need_smtputf8=draft.claimed.smtputf8 and not header.isascii(),
    )


def _dot_stuffed(raw: bytes) -> bytes:
    """RFC 5321 4.5.2: a line that begins with a dot gets a second one."""
    stuffed = raw.replace(b"\r\n.", b"\r\n..") if b"\r\n." in raw else raw
    return b"." + stuffed if stuffed.startswith(b".") else stuffed
