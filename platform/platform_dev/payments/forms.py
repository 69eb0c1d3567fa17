"""Stripe's way of putting nested values into a form: `line_items[0][price_data][currency]=eur`."""

import re
from collections.abc import Iterable
from typing import Any

_PARTS = re.compile(r"[^\[\]]+")


def nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The values as Stripe's documentation writes them: dictionaries, and lists where the keys count from 0."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        *path, last = _PARTS.findall(name)
        place = tree
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    listed = _with_lists(tree)
    assert isinstance(listed, dict)
    return listed


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {key: _with_lists(part) for key, part in value.items()}
    if inner and all(key.isdigit() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner
