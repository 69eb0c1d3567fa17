"""Security headers and cookies, the same on every page of every site."""

from flask import Flask, Response
from flask_talisman import Talisman

from platform_core.settings import Settings

# No page carries a script or a style of its own: what an attacker slips into a page stays text. `data:` images are the
# form controls of the style sheet.
CONTENT_SECURITY_POLICY = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}


def protect(app: Flask, settings: Settings, *, cookie: str) -> None:
    """Set cookies and headers of `app`. `cookie` names its session cookie."""
    https = settings.external_scheme == "https"
    # A __Host- cookie (RFC 6265bis 4.1.3.2) can't be set by a neighbouring sub-domain; it needs https.
    app.config["SESSION_COOKIE_NAME"] = f"__Host-{cookie}" if https else cookie
    app.config["SESSION_COOKIE_PATH"] = "/"
    Talisman(
        app,
        # The proxy in front redirects to https; we don't know its ports.
        force_https=False,
        frame_options="DENY",
        strict_transport_security=https,
        # A reseller's other sub-domains are not ours to decide about.
        strict_transport_security_include_subdomains=False,
        content_security_policy=CONTENT_SECURITY_POLICY,
        referrer_policy="same-origin",
        session_cookie_secure=https,
        session_cookie_samesite="Lax",
        permissions_policy={"browsing-topics": "()", "camera": "()", "microphone": "()", "geolocation": "()"},
    )
    app.after_request(_keep_out_of_caches)


def _keep_out_of_caches(response: Response) -> Response:
    """Pages hold a person's mail: neither a proxy nor the back button of the next person may have them."""
    response.headers.setdefault("Cache-Control", "no-store")
    return response
