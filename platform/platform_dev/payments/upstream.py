"""localstripe behind us: what it answers, and whose the things are that it has made."""

import http.client
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from platform_dev.payments.samples import Object
from platform_dev.payments.shelf import NotOnShelf, Shelf
from platform_dev.ports import LOOPBACK

_SECONDS = 20.0
_IDS = re.compile(r"\b(?:cus|pm|pi|seti|ch|re)_[A-Za-z0-9]{10,}\b")


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body, as the API gives them."""

    status: int
    body: Object

    @property
    def ok(self) -> bool:
        return self.status < 300


class Upstream:
    """Calls localstripe on behalf of an account. It knows no accounts, so that we keep them apart: what one has made the
    others can't see.
    """

    def __init__(self, port: int, shelf: Shelf) -> None:
        self._port = port
        self._shelf = shelf

    def post(self, path: str, fields: Mapping[str, object], account: str) -> Answer:
        """`fields` in Stripe's flat notation. Raises NotOnShelf for what is another account's."""
        return self.call("POST", path, urlencode(fields), account)

    def get(self, path: str, account: str) -> Object:
        """Raises NotOnShelf."""
        answer = self.call("GET", path, "", account)
        if not answer.ok:
            raise NotOnShelf(path)
        return answer.body

    def call(self, method: str, path: str, form: str, account: str) -> Answer:
        for id_ in _IDS.findall(f"{path} {form}"):
            if (self._shelf.owner(id_) or "") != account:
                raise NotOnShelf(id_)
        answer = self._send(method, path, form)
        made = answer.body.get("id")
        if answer.ok and method == "POST" and made:
            self._shelf.own(str(made), account)
        return answer

    def _send(self, method: str, path: str, form: str) -> Answer:
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=_SECONDS)
        headers = {
            "Authorization": "Bearer sk_test_local",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        try:
            connection.request(method, path, form or None, headers)
            response = connection.getresponse()
            return Answer(response.status, json.loads(response.read()))
        finally:
            connection.close()
