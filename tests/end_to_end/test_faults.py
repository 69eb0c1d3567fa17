"""While the database is away senders are put off, never refused for good; when it is back all goes on by itself."""

import smtplib

import pytest

from tests.end_to_end.product import Product
from tests.end_to_end.senders import letter


def send(client: smtplib.SMTP, product: Product, name: str) -> str:
    message_id = f"<{name}@shop.example>"
    client.sendmail(product.mail_from, ["you@world.example"], letter(product.mail_from, message_id))
    return message_id


def test_a_database_fault_is_451_and_is_over_when_it_is_over(product: Product) -> None:
    pids = [product.manager.pid(name) for name in ("relay", "worker-1", "worker-2")]
    with product.client() as client:
        before = send(client, product, "before")
        product.postgres.stop()
        with pytest.raises(smtplib.SMTPDataError) as put_off:
            send(client, product, "meanwhile")
        with pytest.raises(smtplib.SMTPAuthenticationError) as put_off_at_login, product.client():
            pass
        product.postgres.start()
        after = send(client, product, "after")
    assert put_off.value.smtp_code == 451 and put_off.value.smtp_error.startswith(b"4.3.0")
    assert put_off_at_login.value.smtp_code == 454
    product.until_arrived({before, after})
    product.until_recorded()
    assert pids == [product.manager.pid(name) for name in ("relay", "worker-1", "worker-2")]
    assert "<meanwhile@shop.example>" not in product.sink.counts


def test_a_message_that_the_world_puts_off_waits_and_then_goes(product: Product) -> None:
    product.sink.refuses = "451 4.7.1 greylisted"
    with product.client() as client:
        message_id = send(client, product, "greylisted")
    held = "SELECT count(*) FROM relay.due WHERE attempts = 1 AND NOT ready AND lease IS NULL"
    product.until(lambda: product.value(held) == 1, "it is deferred")
    said = "SELECT count(*) FROM event WHERE kind = 'deferred' AND reply_text = 'greylisted'"
    product.until(lambda: product.value(said) == 1, "its history tells why")
    product.sink.refuses = ""
    # Its time comes, and nobody rings: the sweep finds it.
    product.value("UPDATE relay.due SET next_at = now() RETURNING n")
    product.until_arrived({message_id})
