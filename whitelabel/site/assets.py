"""Static files and icons: addresses that change with the content, and icons written into the page."""

import hashlib
import re
from functools import cache
from pathlib import Path

from flask import Flask, Response, request, url_for
from markupsafe import Markup

from platform_core.errors import SettingsInvalid

STATIC = Path(__file__).resolve().parents[1] / "static"
_ICONS = STATIC / "vendor" / "icons"
_OPENING = re.compile(r"<svg\b[^>]*>", re.DOTALL)
_YEAR = 31_536_000


def serve_assets(app: Flask) -> None:
    """Give templates `asset(path)` and `icon(name)`. Raises SettingsInvalid when the vendored files are missing."""
    if not _ICONS.is_dir():
        raise SettingsInvalid(
            [f"{STATIC / 'vendor'} is empty: run `make setup` to fetch the front-end files"]
        )
    app.jinja_env.globals["asset"] = asset
    app.jinja_env.globals["icon"] = icon
    app.after_request(_cache_versioned)


def asset(path: str) -> str:
    """The address of a static file, with a mark of its content, so that browsers may keep it for a year."""
    return url_for("static", filename=path, v=_mark(path))


@cache
def icon(name: str, css: str = "") -> Markup:
    """The outline icon `name` as inline SVG, hidden from screen readers: the text beside it says the same."""
    drawing = _OPENING.sub("", (_ICONS / f"{name}.svg").read_text(), count=1)
    opening = Markup(
        '<svg class="icon {}" width="24" height="24" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        'stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">'
    ).format(css)
    return opening + Markup(drawing)  # noqa: S704 - a file of ours, never input


@cache
def _mark(path: str) -> str:
    return hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]


def _cache_versioned(response: Response) -> Response:
    if request.endpoint == "static" and "v" in request.args and response.status_code == 200:
        response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable"
    return response
