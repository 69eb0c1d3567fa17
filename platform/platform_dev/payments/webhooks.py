"""Events: made, signed as Stripe signs them, and posted to the endpoints that want them, again where that fails."""

import hashlib
import hmac
import http.client
import json
import queue
import sys
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from platform_dev.payments.samples import Object, new_object
from platform_dev.payments.shelf import Shelf
from platform_dev.ports import LOOPBACK

WAITS = (0.0, 0.5, 2.0, 5.0, 15.0, 60.0)  # seconds before each try
_ANSWER_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Somebody who is told. `connect`: of the events of connected accounts, instead of the platform's own."""

    url: str
    secret: str
    connect: bool = False
    types: tuple[str, ...] = ("*",)

    def wants(self, event: Object) -> bool:
        return self.connect == bool(event.get("account")) and (
            "*" in self.types or event["type"] in self.types
        )


@dataclass(frozen=True, slots=True)
class Signed:
    """An event as it goes over the wire."""

    body: bytes
    signature: str


def sign(event: Object, secret: str, *, at: int | None = None) -> Signed:
    """The body with the header `t=...,v1=...`: an HMAC-SHA256 of time and body."""
    body = json.dumps(event, indent=2).encode()
    moment = int(time.time()) if at is None else at
    digest = hmac.digest(secret.encode(), b"%d.%s" % (moment, body), hashlib.sha256).hex()
    return Signed(body, f"t={moment},v1={digest}")


class Announcer:
    """Makes events, keeps them on the shelf, and posts them from a thread of its own."""

    def __init__(self, shelf: Shelf, endpoints: tuple[Endpoint, ...]) -> None:
        self.endpoints = list(endpoints)
        self._shelf = shelf
        self._outbox: queue.Queue[Object | None] = queue.Queue()
        self._thread = threading.Thread(target=self._post_all, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._outbox.put(None)
        self._thread.join(timeout=5)

    def announce(self, type_: str, thing: Object, account: str = "") -> None:
        """Something has happened to `thing`, which belongs to `account`."""
        fields: Object = {"type": type_, "data": {"object": _public(thing)}, "api_version": None}
        if account:
            fields["account"] = account
        self._outbox.put(self._shelf.keep(new_object("event", fields), account))

    def _post_all(self) -> None:
        while (event := self._outbox.get()) is not None:
            for endpoint in list(self.endpoints):
                if endpoint.wants(event):
                    # Each in a thread of its own: an endpoint that is down must not hold up the others.
                    threading.Thread(target=_deliver, args=(endpoint, event), daemon=True).start()


def _deliver(endpoint: Endpoint, event: Object) -> None:
    for wait in WAITS:
        time.sleep(wait)
        status = _post(endpoint, sign(event, endpoint.secret))
        if 200 <= status < 300:
            return
    sys.stderr.write(f"{event['type']} {event['id']} was not taken by {endpoint.url}.\n")


def _post(endpoint: Endpoint, signed: Signed) -> int:
    """The status, or 0 when nobody answers."""
    parts = urlsplit(endpoint.url)
    # Not every machine's resolver knows that *.localhost is loopback (RFC 6761 6.3).
    host = LOOPBACK if (parts.hostname or "").endswith("localhost") else parts.hostname or LOOPBACK
    connection = http.client.HTTPConnection(host, parts.port or 80, timeout=_ANSWER_SECONDS)
    headers = {
        "Host": parts.netloc,
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signed.signature,
    }
    try:
        connection.request("POST", parts.path or "/", signed.body, headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def _public(thing: Object) -> Object:
    return {name: value for name, value in thing.items() if not name.startswith("_")}
