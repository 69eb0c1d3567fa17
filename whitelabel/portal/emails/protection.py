"""In words: how the connection was protected over which an e-mail went to the recipient's mail server."""

from flask import Flask
from flask_babel import LazyString, gettext
from flask_babel import lazy_gettext as _l

from platform_core.mail.tls import TlsTrust
from relay_worker.messages.queries import Attempt

_TRUST: dict[TlsTrust, LazyString] = {
    TlsTrust.UNVERIFIED: _l("the server's identity was not verified"),
    TlsTrust.CERTIFICATE: _l("the server was verified by its certificate"),
    TlsTrust.MTA_STS: _l("the server was verified as its domain demands (MTA-STS)"),
    TlsTrust.DANE: _l("the server was verified by its domain's signed DNS records (DANE)"),
}


def protection(attempt: Attempt) -> str:
    """The TLS version and what has vouched for the server, as far as either is known."""
    if not attempt.tls_version:
        return str(gettext("without TLS"))
    if attempt.tls_trust not in _TRUST:
        return attempt.tls_version
    trust = _TRUST[attempt.tls_trust]
    return str(gettext("encrypted with %(version)s; %(trust)s", version=attempt.tls_version, trust=trust))


def add_protection_words(app: Flask) -> None:
    """Let the templates of `app` ask for an attempt's protection."""
    app.jinja_env.globals["protection"] = protection
