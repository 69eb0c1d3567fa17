"""New objects in the shape of Stripe's own samples (`samples/`, from stripe/openapi under the licence beside them)."""

import json
import secrets
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

Object = dict[str, Any]

_FOLDER = Path(__file__).parent / "samples"
_PREFIXES = {
    "checkout.session": "cs_test_",
    "event": "evt_",
    "webhook_endpoint": "we_",
    "billing_portal.session": "bps_",
    "account": "acct_",
    "dispute": "dp_",
    "price": "price_",
}


def new_object(kind: str, fields: Mapping[str, Any]) -> Object:
    """A new one with an id and a time of its own; `fields` replace those of the sample."""
    made: Object = json.loads(_sample(kind)) | {"created": int(time.time()), "livemode": False}
    if kind in _PREFIXES:
        made["id"] = _PREFIXES[kind] + secrets.token_hex(12)
    return made | dict(fields)


@cache
def _sample(kind: str) -> str:
    return (_FOLDER / f"{kind}.json").read_text()
