"""Nobody outside ever sees by whom or with what the mail is sent: only the agency's name, in everything."""

import re
import socket
import ssl

from tests.end_to_end.product import Product, any_certificate
from tests.end_to_end.senders import letter

FORBIDDEN = re.compile(rb"frankpost|aiosmtpd|python|asyncio|uvloop|postgres|redis", re.IGNORECASE)

COMMANDS = (
    b"EHLO app.shop.example", b"HELP", b"HELP MAIL", b"NOOP", b"VRFY <a@b.example>", b"EXPN list", b"RSET", b"FOO",
    b"MAIL FROM:<x@y.example>", b"RCPT TO:<x@y.example>", b"DATA", b"AUTH CRAM-MD5", b"AUTH PLAIN AGEAYg==",
    b"\x80\xff", b"HELO", b"EHLO", b"STARTTLS now", b"BDAT 5", b"ETRN x", b"TURN", b"QUIT",
)  # fmt: skip


def everything_said(sock: socket.socket) -> bytes:
    """What the relay answers to each command, until it closes."""
    said = sock.recv(4096)
    for command in COMMANDS:
        sock.sendall(command + b"\r\n")
        said += sock.recv(65_536)
    return said


def test_nothing_that_the_relay_says_names_the_platform(product: Product) -> None:
    with socket.create_connection(("127.0.0.1", product.port), timeout=10) as sock:
        said = everything_said(sock)
    assert said.startswith(b"220 ") and b"221 2.0.0" in said and said.count(b"\r\n") > len(COMMANDS)
    assert not FORBIDDEN.search(said), said.decode(errors="replace")


def test_its_certificate_does_not_either(product: Product) -> None:
    with (
        socket.create_connection(("127.0.0.1", product.tls_port), timeout=10) as sock,
        any_certificate().wrap_socket(sock, server_hostname="smtp.agency.example") as secure,
    ):
        certificate = secure.getpeercert(binary_form=True)
        assert certificate and not FORBIDDEN.search(certificate)
        assert isinstance(secure.context, ssl.SSLContext) and not FORBIDDEN.search(secure.recv(4096))


def test_the_refusals_of_a_logged_in_client_do_not_either(product: Product) -> None:
    said = b""
    with product.client() as client:
        for command in (
            "MAIL FROM:<me@elsewhere.example>",
            "MAIL FROM:<hello@shop.example> SIZE=999999999999",
            "AUTH X",
        ):
            said += b"%d %s\n" % client.docmd(command)
        client.docmd(f"MAIL FROM:<{product.mail_from}>")
        said += b"%d %s\n" % client.docmd("RCPT TO:<nobody>")
    assert said.count(b"\n") == 4
    assert not FORBIDDEN.search(said), said


def test_no_header_of_a_received_message_does(product: Product) -> None:
    message_id = "<brand@shop.example>"
    with product.client(tls=True) as client:
        client.sendmail(product.mail_from, ["you@world.example"], letter(product.mail_from, message_id))
    product.until_arrived({message_id})
    [arrival] = [arrival for arrival in product.sink.arrivals if arrival.message_id == message_id]
    assert b"Received: " in arrival.raw and b"smtp.agency.example" in arrival.raw
    assert b"DKIM-Signature: " in arrival.raw and b"d=shop.example" in arrival.raw
    assert not FORBIDDEN.search(arrival.raw), arrival.raw.decode()


def test_neither_do_the_names_and_addresses_that_a_receiving_server_hears(product: Product) -> None:
    message_id = "<envelope@shop.example>"
    with product.client() as client:
        client.sendmail(product.mail_from, ["you@world.example"], letter(product.mail_from, message_id))
    product.until_arrived({message_id})
    [arrival] = [arrival for arrival in product.sink.arrivals if arrival.message_id == message_id]
    heard = f"{arrival.mail_from} {arrival.helo}".encode()
    assert arrival.mail_from.endswith("@return-path.agency.example")
    assert not FORBIDDEN.search(heard), heard
