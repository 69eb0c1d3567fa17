"""Hands a letter to our own relay over SMTP submission, as any customer's application does."""

import ipaddress
import smtplib
import ssl
from email.message import EmailMessage
from typing import Protocol

from billing.letters.letterbox import Letterbox
from platform_core.errors import Unavailable
from platform_core.settings import Settings

_SECONDS = 30


class Post(Protocol):
    """Takes letters. Once `post` returns the letter is in the queue, durably."""

    def post(self, message: EmailMessage, letterbox: Letterbox, to: str) -> None:
        """Raises Unavailable with the relay's words when it would not take the letter."""
        ...


class RelayPost:
    """`Post` through the relay of this installation."""

    def __init__(self, settings: Settings) -> None:
        self._host = settings.letters_host
        self._port = settings.letters_port or settings.relay_starttls_ports[0]

    def post(self, message: EmailMessage, letterbox: Letterbox, to: str) -> None:
        try:
            with smtplib.SMTP(self._host, self._port, timeout=_SECONDS) as relay:
                relay.starttls(context=_tls(self._host))
                relay.login(letterbox.user_name, letterbox.secret)
                relay.send_message(message, letterbox.sender.address, [to])
        except (smtplib.SMTPException, OSError) as error:
            raise Unavailable(f"The relay did not take the letter: {_said(error)}") from error


def _tls(host: str) -> ssl.SSLContext:
    """On loopback nobody listens in, and no certificate bears the name of the machine itself."""
    context = ssl.create_default_context()
    if _is_loopback(host):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _said(error: Exception) -> str:
    """The relay's reply, or what went wrong on the way to it."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
        return f"{code} {text.decode(errors='replace')}"
    if isinstance(error, smtplib.SMTPResponseException):
        words = error.smtp_error
        return f"{error.smtp_code} {words.decode(errors='replace') if isinstance(words, bytes) else words}"
    return str(error) or type(error).__name__
