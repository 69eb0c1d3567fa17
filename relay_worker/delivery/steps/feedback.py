"""Marks by which complaints find their way back: Feedback-ID for Gmail, X-Report-ID for redacted reports."""

import re
from dataclasses import replace

from relay_worker.delivery.draft import Draft, name_of

_OURS = frozenset({b"feedback-id", b"x-report-id"})
_CAMPAIGN = re.compile(rb"[A-Za-z0-9_.-]{1,60}")


def add_feedback_marks(draft: Draft) -> Draft:
    """The last fields before the signatures, in place of any that came with the message.

    Feedback-ID is `campaign:account:domain:reseller`, as Google describes it: figures of complaints are kept for each of
    the four. The campaign is the customer's own (the first part of the Feedback-ID it gave), the rest are opaque ids, and
    of two such fields Google would take none. X-Report-ID is the recipient's return path again, in the header, where
    a report whose addresses were taken out still has it; only for a message that goes to one recipient.
    """
    one, marks = draft.claimed, draft.marks
    given = [field for field in draft.fields if name_of(field) in _OURS]
    if not one.account_id:  # a report of ours: nobody's campaign
        return draft
    names = (
        _campaign(given),
        marks.opaque("account", one.reseller_id, one.account_id),
        marks.opaque("domain", one.reseller_id, draft.sender.signing_domain),
        marks.opaque("reseller", one.reseller_id),
    )
    added = [b"Feedback-ID: " + ":".join(names).encode("ascii")]
    if draft.alone:
        added.append(b"X-Report-ID: " + marks.return_paths.local_part(one.message_id, one.n).encode("ascii"))
    return replace(draft, fields=(*added, *(draft.without(_OURS) if given else draft.fields)))


def _campaign(given: list[bytes]) -> str:
    feedback_id = next((field for field in given if name_of(field) == b"feedback-id"), b"")
    first = feedback_id.partition(b":")[2].split(b":")[0].strip()
    return first.decode("ascii") if _CAMPAIGN.fullmatch(first) else ""
