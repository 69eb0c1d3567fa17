"""`python -m platform_dev.payments --folder DIR --port N --events-to URL`, until it is told to end.

The signing secrets come from the product's own settings, so that the two agree.
"""

import argparse
import sys
from pathlib import Path

from pydantic import SecretStr

from billing.payments.news import EVENT_TYPES
from platform_core.settings import settings
from platform_dev.payments.server import PaymentServer
from platform_dev.payments.webhooks import Endpoint
from platform_dev.signals import wait_for_end


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where it keeps what it knows")
    parser.add_argument("--port", type=int, required=True, help="port on loopback")
    parser.add_argument("--events-to", required=True, help="the product's address for events")
    options = parser.parse_args()
    with PaymentServer(options.folder, options.port, endpoints=_endpoints(options.events_to)) as server:
        sys.stderr.write(f"The payment server answers at {server.address}.\n")
        wait_for_end()


def _endpoints(url: str) -> tuple[Endpoint, ...]:
    found = settings()
    return tuple(
        Endpoint(url, secret.get_secret_value(), connect, EVENT_TYPES)
        for secret, connect in (
            (found.stripe_webhook_secret, False),
            (found.stripe_connect_webhook_secret, True),
        )
        if isinstance(secret, SecretStr)
    )


if __name__ == "__main__":
    main()
