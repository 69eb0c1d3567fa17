"""Building: the steps from the message that was accepted to the one that is sent."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

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
from relay_worker.delivery.wire import ReadyBody, pack, ready
from relay_worker.queue.claims import Claimed, SenderIdentity

# The policy, in order. A step returns the new draft, or None when it has nothing to do. These are taken once for a
# message, and read nothing that only one of its recipients has.
Step = Callable[[Draft], Draft | None]
STEPS: tuple[Step, ...] = (drop_private_headers, add_missing_headers, shorten_lines, rewrite_envelope_sender)

# Then these, for each copy. They leave the body as it is, so that all copies share it: however large it is, a copy is
# its header fields. What comes out is signed, so that the signatures cover what all of them did.
COPY_STEPS: tuple[Step, ...] = (add_unsubscribe_links, add_feedback_marks)


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
        """The message of these recipients: one for all of them, or a copy for each when each gets links of its own.

        Raises Unavailable.
        """
        fields, body = split_message(normalise_line_ends(raw))
        first, now = recipients[0], self._clock.now()
        alone = len(recipients) == 1 or needs_links(sender, first, fields)
        draft = _taken(STEPS, Draft(first, alone, sender, self._marks, now, fields, body))
        ready_body = ready(draft.body, Signing(self._keys.keys(sender), int(now.timestamp())))
        if not alone:
            yield _finished(draft, ready_body), recipients
            return
        for one in recipients:
            yield _finished(draft if one is first else replace(draft, claimed=one), ready_body), (one,)


def _taken(steps: Sequence[Step], draft: Draft) -> Draft:
    for step in steps:
        draft = step(draft) or draft
    return draft


def _finished(draft: Draft, body: ReadyBody) -> Built:
    """One copy, signed; `body` is that of the draft."""
    draft = _taken(COPY_STEPS, draft)
    message = pack(draft.fields, body, smtputf8=draft.claimed.smtputf8)
    return Built(message, draft.claimed.mail_from, draft.return_path, draft.sender.require_tls)
