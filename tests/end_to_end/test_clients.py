"""The clients that customers have, against the running relay: swaks and smtplib, with STARTTLS and with implicit TLS."""

import shutil
import smtplib
import subprocess
from uuid import uuid4

import pytest

from tests.end_to_end.product import Product, any_certificate
from tests.end_to_end.senders import letter


@pytest.mark.skipif(shutil.which("swaks") is None, reason="swaks is not installed")
@pytest.mark.parametrize("tls", ["--tls", "--tls-on-connect"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_swaks_sends(product: Product, tls: str, mechanism: str) -> None:
    port = product.port if tls == "--tls" else product.tls_port
    message_id = f"<{uuid4().hex}@shop.example>"
    command = ["swaks", "--server", "127.0.0.1", "--port", str(port), tls, "--auth", mechanism]
    command += ["--auth-user", product.login.smtp_account.user_name, "--auth-password", product.login.secret]
    command += [
        "--from",
        product.mail_from,
        "--to",
        "you@world.example",
        "--header",
        f"Message-Id: {message_id}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout
    product.until_arrived({message_id})


def test_smtplib_sends_with_tls_from_the_first_octet(product: Product) -> None:
    message_id = f"<{uuid4().hex}@shop.example>"
    with smtplib.SMTP_SSL("127.0.0.1", product.tls_port, context=any_certificate(), timeout=20) as client:
        client.login(product.login.smtp_account.user_name, product.login.secret)
        client.sendmail(product.mail_from, ["you@world.example"], letter(product.mail_from, message_id))
    product.until_arrived({message_id})


def test_one_message_to_many_reaches_each_once(product: Product) -> None:
    message_id = f"<{uuid4().hex}@shop.example>"
    everybody = [f"r{n}@world{n % 3}.example" for n in range(120)]
    with product.client() as client:
        client.sendmail(product.mail_from, everybody, letter(product.mail_from, message_id))
    product.until(lambda: product.sink.counts[message_id] >= len(everybody), "all have it")
    reached = [arrival.rcpt_to for arrival in product.sink.arrivals if arrival.message_id == message_id]
    assert sorted(reached) == sorted(everybody)
