"""The DKIM signature, which comes last because it covers what all the others did."""

from dataclasses import replace

from relay_worker.delivery.dkim import signature_field
from relay_worker.delivery.draft import Draft


def sign(draft: Draft) -> Draft | None:
    """Put a signature of the sender's domain on top; without a key the message goes unsigned."""
    if draft.key is None:
        return None
    field = signature_field(draft.fields, draft.body, draft.key, int(draft.now.timestamp()))
    return replace(draft, fields=(field, *draft.fields))
