"""The demo's one real message: sent by an ordinary SMTP client, waited for at the receiving end."""

import smtplib
import socket
import ssl
import time
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import make_msgid

from platform_core.errors import FrankpostError
from platform_dev.authority import LocalAuthority
from platform_dev.demo import layout as demo
from platform_dev.demo.layout import Layout
from platform_dev.demo.sample import SampleCustomer
from platform_dev.sink import Letter, Mailbox

DELIVERY_SECONDS = 60.0
_LOOK_SECONDS = 0.1


class NotDelivered(FrankpostError):
    """The demo's message did not arrive, or not with a signature that holds."""


class _LoopbackClient(smtplib.SMTP):
    """smtplib, but the host is where it is on every machine, whatever its resolver makes of `*.localhost`."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return socket.create_connection(("127.0.0.1", port), timeout)


def send_letter(layout: Layout, customer: SampleCustomer) -> str:
    """Log in and send as the customer's app would, with STARTTLS and the certificate checked. The Message-ID comes back."""
    message = EmailMessage()
    message["From"] = f"{customer.name} <{customer.smtp.mail_from}>"
    message["To"] = f"Jane <{demo.RECIPIENT}>"
    message["Subject"] = "Your order is on its way"
    message["Message-ID"] = make_msgid(domain=customer.smtp.mail_from.partition("@")[2])
    message.set_content("Dear Jane,\n\nyour bread has left the oven and will be with you by eight.\n\nMia\n")
    trust = ssl.create_default_context(cafile=str(LocalAuthority(layout.authority).certificate_path))
    with _LoopbackClient(demo.SMTP_HOST, layout.ports.starttls[0], timeout=30) as client:
        client.starttls(context=trust)
        client.login(customer.smtp.user_name, customer.smtp.secret)
        client.send_message(message)
    return str(message["Message-ID"])


def wait_for_letter(layout: Layout, message_id: str, meanwhile: Callable[[], None]) -> Letter:
    """The message as it arrived. `meanwhile` is called again and again. Raises NotDelivered when it does not come, or
    when its signature does not hold.
    """
    mailbox = Mailbox(layout.mailbox)
    deadline = time.monotonic() + DELIVERY_SECONDS
    while time.monotonic() < deadline:
        meanwhile()
        for letter in mailbox.letters():
            if message_id.encode() in mailbox.raw(letter):
                return _verified(letter)
        time.sleep(_LOOK_SECONDS)
    raise NotDelivered(f"The message has not arrived within {DELIVERY_SECONDS:.0f} seconds.")


def _verified(letter: Letter) -> Letter:
    if not letter.signatures:
        raise NotDelivered("The message arrived without a DKIM signature.")
    for signature in letter.signatures:
        if not signature.valid:
            raise NotDelivered(f"The signature of {signature.domain} does not hold: {signature.problem}.")
    return letter
