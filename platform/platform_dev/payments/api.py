"""The API: what localstripe lacks is answered here, all else by it. Stripe's rules on keys and accounts hold for both."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from flask import Blueprint, Response, jsonify, request

from platform_dev.payments.desk import Desk
from platform_dev.payments.forms import nested
from platform_dev.payments.samples import Object, new_object
from platform_dev.payments.shelf import NotOnShelf
from platform_dev.payments.upstream import Answer
from platform_dev.payments.webhooks import Endpoint

_SESSION_SECONDS = 24 * 3600


class Refused(Exception):
    """The request is not as it should be."""


@dataclass
class _Answered:
    """What was answered to a key, so that the same question gets the same answer."""

    asked: tuple[str, str, str]
    answer: Answer


@dataclass
class Api:
    """`address` is ours, for links. One request at a time: what it makes, and its events, are one step."""

    desk: Desk
    address: str
    _answered: dict[tuple[str, str], _Answered] = field(default_factory=dict)

    def blueprint(self) -> Blueprint:
        """All of /v1."""
        v1 = Blueprint("api", __name__, url_prefix="/v1")
        v1.add_url_rule(
            "/<path:path>", view_func=self._serve, methods=["GET", "POST", "DELETE"], endpoint="any"
        )
        return v1

    def _serve(self, path: str) -> Response:
        if not request.headers.get("Authorization", "").startswith("Bearer sk_"):
            return _response(_error(401, "invalid_request_error", "No API key was given."))
        account = request.headers.get("Stripe-Account", "")
        with self.desk.shelf.lock:
            return _response(self._once(path, account))

    def _once(self, path: str, account: str) -> Answer:
        """With an Idempotency-Key the first answer counts, a refusal included; the same key for something else is refused."""
        form = request.get_data(as_text=True)
        asked = (request.method, path, form)
        key = request.headers.get("Idempotency-Key", "")
        known = self._answered.get((account, key)) if key and request.method == "POST" else None
        if known is not None and known.asked != asked:
            return _error(400, "idempotency_error", "This key was used for another request.")
        if known is not None:
            return known.answer
        answer = self._answer(path, form, account)
        if key and answer.status < 500:
            self._answered[account, key] = _Answered(asked, answer)
        return answer

    def _answer(self, path: str, form: str, account: str) -> Answer:
        try:
            return self._ours(path, form, account) or self._theirs(path, form, account)
        except NotOnShelf as error:
            return _error(404, "invalid_request_error", f"No such object: {error}")
        except (Refused, KeyError, ValueError) as error:
            return _error(400, "invalid_request_error", f"{error}")

    def _theirs(self, path: str, form: str, account: str) -> Answer:
        query = f"?{request.query_string.decode()}" if request.query_string else ""
        return self.desk.forward(request.method, f"/v1/{path}{query}", form, account)

    def _ours(self, path: str, form: str, account: str) -> Answer | None:
        """None where localstripe answers."""
        fields = nested(parse_qsl(form, keep_blank_values=True))
        shelf = self.desk.shelf
        match request.method, path.split("/"):
            case "POST", ["checkout", "sessions"]:
                return self._made(self._session(fields, account), account)
            case "POST", ["checkout", "sessions", id_, "expire"]:
                return self._changed(shelf.get(id_, account), self.desk.expire)
            case "POST", ["disputes", id_, "close"]:
                return self._changed(shelf.get(id_, account), self.desk.lose_dispute)
            case "POST", ["billing_portal", "sessions"]:
                return self._made(self._portal(fields, account), account)
            case "POST", ["accounts"]:
                return self._made(_account(fields), "")
            case "POST", ["account_links"]:
                return Answer(200, self._account_link(fields))
            case "POST", ["webhook_endpoints"]:
                return self._made(self._endpoint(fields), "")
            case "POST", ["prices"]:
                return self._made(_price(fields), account)
            case "GET", ["checkout", "sessions", id_] | ["disputes" | "prices" | "events", id_]:
                return Answer(200, _shown(shelf.get(id_, account)))
            case "GET", ["accounts", id_]:
                return Answer(200, _shown(shelf.get(id_)))
        return None

    def _changed(self, thing: Object, change: Callable[[Object], None]) -> Answer:
        change(thing)
        return Answer(200, _shown(thing))

    def _made(self, thing: Object, account: str) -> Answer:
        return Answer(200, _shown(self.desk.shelf.keep(thing, account)))

    def _session(self, fields: Object, account: str) -> Object:
        mode = fields["mode"]
        if mode not in ("payment", "setup"):
            raise Refused(f"mode {mode} is not offered here")
        self.desk.upstream.get(f"/v1/customers/{fields['customer']}", account)
        total, currency, words = _total(fields) if mode == "payment" else (None, fields["currency"], "")
        session = new_object(
            "checkout.session",
            {
                "amount_subtotal": total,
                "amount_total": total,
                "cancel_url": fields.get("cancel_url"),
                "currency": currency,
                "customer": fields["customer"],
                "expires_at": int(time.time()) + _SESSION_SECONDS,
                "metadata": fields.get("metadata", {}),
                "mode": mode,
                "payment_intent": None,
                "success_url": fields["success_url"],
                "_payment_intent_data": fields.get("payment_intent_data", {}),
                "_words": words,
            },
        )
        return session | {"url": f"{self.address}/pay/{session['id']}"}

    def _portal(self, fields: Object, account: str) -> Object:
        self.desk.upstream.get(f"/v1/customers/{fields['customer']}", account)
        made = {"customer": fields["customer"], "return_url": fields.get("return_url"), "flow": None}
        session = new_object("billing_portal.session", made)
        return session | {"url": f"{self.address}/portal/{session['id']}"}

    def _account_link(self, fields: Object) -> Object:
        account = self.desk.shelf.get(fields["account"])
        account["_return_url"] = fields["return_url"]
        self.desk.shelf.keep(account)
        expires = int(time.time()) + 300
        url = f"{self.address}/connect/{account['id']}"
        return new_object("account_link", {"url": url, "expires_at": expires})

    def _endpoint(self, fields: Object) -> Object:
        secret = f"whsec_{secrets.token_hex(16)}"
        connect = fields.get("connect") == "true"
        types = tuple(fields["enabled_events"])
        self.desk.announcer.endpoints.append(Endpoint(fields["url"], secret, connect, types))
        return new_object(
            "webhook_endpoint", {"url": fields["url"], "enabled_events": list(types), "secret": secret}
        )


def _total(fields: Object) -> tuple[int, str, str]:
    lines = [(line["price_data"], int(line.get("quantity", 1))) for line in fields["line_items"]]
    total = sum(int(price["unit_amount"]) * quantity for price, quantity in lines)
    if total < 50:
        raise Refused("The total must be at least 50 minor units.")
    words = ", ".join(price["product_data"]["name"] for price, _ in lines)
    return total, lines[0][0]["currency"], words


def _account(fields: Object) -> Object:
    if fields.get("type") != "standard":
        raise Refused("Only standard accounts are offered here.")
    return new_object("account", {"email": fields.get("email"), "metadata": fields.get("metadata", {})})


def _price(fields: Object) -> Object:
    changed: dict[str, Any] = {
        "currency": fields["currency"],
        "unit_amount": int(fields["unit_amount"]),
        "unit_amount_decimal": fields["unit_amount"],
        "metadata": fields.get("metadata", {}),
    }
    return new_object("price", changed)


def _shown(thing: Object) -> Object:
    """Without what only we know."""
    return {name: value for name, value in thing.items() if not name.startswith("_")}


def _error(status: int, kind: str, message: str) -> Answer:
    return Answer(status, {"error": {"type": kind, "message": message}})


def _response(answer: Answer) -> Response:
    response = jsonify(answer.body)
    response.status_code = answer.status
    return response
