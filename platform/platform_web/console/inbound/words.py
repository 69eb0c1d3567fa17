"""What kind of mail came back, and what becomes of it, in words."""

from flask_babel import lazy_gettext as _l

from relay_worker.inbound.marks import InboundKind
from relay_worker.inbound.queries import InboundState

KINDS = {
    InboundKind.RETURN_PATH: _l("Bounce"),
    InboundKind.FEEDBACK: _l("Complaint"),
    InboundKind.UNSUBSCRIBE: _l("Unsubscribe"),
    InboundKind.POSTMASTER: _l("Letter"),
}
STATES = {
    InboundState.UNREAD: _l("To be read again"),
    InboundState.APPLIED: _l("Understood"),
    InboundState.NOT_UNDERSTOOD: _l("Left to people"),
    InboundState.DONE: _l("Done"),
}
