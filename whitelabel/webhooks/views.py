"""The payment service's events over HTTP: checked, kept, answered; then applied.

There is no log-in and no form token here: the signature over the body is what lets it in. Events of connected accounts
come to the same address, signed with the secret of an endpoint of their own.
"""

import structlog
from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue

from billing.payments.events import apply_event, keep_event
from billing.payments.stripe_gateway import gateway_for
from platform_core.clock import Clock
from platform_core.database import db
from platform_core.errors import EventRejected, PaymentsOff
from platform_core.settings import Settings
from whitelabel.site.access import public

PATH = "/webhooks/stripe"

pages = Blueprint("webhooks", __name__)
log = structlog.get_logger()


@pages.post(PATH)
@public
def stripe() -> ResponseReturnValue:
    """200 once the event is kept: from then on applying it is our affair, and the payment service need not ask again."""
    settings: Settings = current_app.extensions["settings"]
    clock: Clock = current_app.extensions["clock"]
    try:
        received = gateway_for(settings).read_event(
            request.get_data(), request.headers.get("Stripe-Signature", "")
        )
    except PaymentsOff:
        return _plain(404)
    except EventRejected:
        log.warning("payment_event_rejected", address=request.remote_addr)
        return _plain(400)
    keep_event(db.session(), received, clock=clock)
    db.session.commit()
    apply_event(received.id, clock=clock)
    return _plain(200)


def _plain(status: int) -> Response:
    return Response(status=status, content_type="text/plain")
