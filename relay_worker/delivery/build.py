"""Building: the steps from the message that was accepted to the one that is sent."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from platform_core.clock import Clock
from relay_worker.delivery.dkim import Signing
from relay_worker.delivery.draft import Draft, ReturnPath, split_message
from relay_worker.delivery.keys import KeyRing
from relay_worker.delivery.marks import Marks
from relay_worker.delivery.steps.envelope import rewrite_envelope_sender
from relay_worker.delivery.steps.feedback import add_feedback_marks
from relay_worker.delivery.steps.headers import add_missing_headers, drop_private_headers
from relay_worker.delivery.steps.line_ends import normalise_line_ends
from relay_worker.delivery.steps.line_length import shorten_lines
from relay_worker.delivery.steps.unsubscribe import add_unsubscribe_links, needs_links
from relay_worker.delivery.transaction import Outgoing
from relay_worker.delivery.wire import pack
from relay_worker.queue.claims import Claimed, SenderIdentity

# The policy, in order. A step returns the new draft, or None when it has nothing to do. What comes out is signed, so that
# the signatures cover what all of them did.
Step = Callable[[Draft], Draft | None]
STEPS: tuple[Step, ...] = (
    drop_private_headers,
    add_missing_headers,
    shorten_lines,
    rewrite_envelope_sender,
    add_unsubscribe_links,
    add_feedback_marks,
)

# Octets. A larger message to several goes without links: it is no newsletter, and a copy for each would fill the memory.
LARGEST_APART = 262_144


@dataclass(frozen=True, slots=True)
class Built:
    """A message ready to go. Without a return path of ours the envelope sender stays `sender` ("": the null sender).

    `requires_tls`: its account lets no mail go in clear.
    """

    message: Outgoing
    sender: str
    return_path: ReturnPath | None
    requires_tls: bool = False

    def mail_from(self, n: int) -> str:
        """The envelope sender for a transaction whose first recipient is number `n`."""
        return self.sender if self.return_path is None else self.return_path.for_recipient(n)


class Builder:
    """Runs the steps, with the keys and marks that they need."""

    def __init__(self, keys: KeyRing, marks: Marks, clock: Clock) -> None:
        self._keys = keys
        self._marks = marks
        self._clock = clock

    def build_all(
        self, recipients: Sequence[Claimed], sender: SenderIdentity, raw: bytes
    ) -> Iterator[tuple[Built, Sequence[Claimed]]]:
        """The message of these recipients, built once for all of them, or once for each when each gets links of its own.

        Raises Unavailable.
        """
        fields, body = split_message(normalise_line_ends(raw))
        apart = len(raw) <= LARGEST_APART and needs_links(sender, recipients[0], fields)
        if len(recipients) == 1 or apart:
            for one in recipients:
                yield self._build(one, sender, fields, body, alone=True), (one,)
        else:
            yield self._build(recipients[0], sender, fields, body, alone=False), recipients

    def _build(
        self, claimed: Claimed, sender: SenderIdentity, fields: tuple[bytes, ...], body: bytes, *, alone: bool
    ) -> Built:
        now = self._clock.now()
        draft = Draft(claimed, alone, sender, self._marks, now, fields, body)
        for step in STEPS:
            draft = step(draft) or draft
        signing = Signing(self._keys.keys(sender), int(now.timestamp()))
        message = pack(draft.fields, draft.body, smtputf8=claimed.smtputf8, signing=signing)
        return Built(message, claimed.mail_from, draft.return_path, sender.require_tls)
