"""The pages for hosts that are nobody's: no brand, no link, no redirect, nothing loaded from anywhere."""

import base64
import hashlib
from http import HTTPStatus

from markupsafe import escape
from werkzeug.wrappers import Response

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:16px/1.6 system-ui,sans-serif;display:grid;place-content:center;min-height:90vh;margin:0 1.5rem;"
    "text-align:center}h1{font-size:1.25rem;font-weight:600;margin:0}p{opacity:.7;margin:.25rem 0 0}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_SENTENCES = {
    404: ("Nothing here", "There is no site at this address."),
    500: ("Something went wrong", "The fault is ours and has been recorded. Please try again in a moment."),
    503: ("One moment, please", "The site is not available right now. Please try again in a minute."),
}


def neutral_page(status: int, reference: str = "") -> Response:
    """A complete response for 404, 500 or 503 that any host may see. `reference`: what to look for in our logs."""
    title, sentence = _SENTENCES[status]
    mention = f"<p>Reference: {escape(reference)}</p>" if reference else ""
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{title}</h1><p>{sentence}</p>{mention}</main></body></html>"
    )
    response = Response(page, HTTPStatus(status), content_type="text/html; charset=utf-8")
    # The one page with its style inside: it must not load a file from a host that has no site.
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response
