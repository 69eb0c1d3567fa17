"""Mail that comes back to the running product, while those who should read it are killed."""

import smtplib
from uuid import uuid4

from tests.end_to_end.product import Product
from tests.end_to_end.senders import letter
from tests.relay_worker.bounces.mails import report

ADDRESS = "nobody@world.example"
GONE = report(
    f"Final-Recipient: rfc822; {ADDRESS}\nAction: failed\nStatus: 5.1.1\n"
    "Diagnostic-Code: smtp; 550 5.1.1 User unknown\n"
)


def test_a_bounce_that_was_taken_is_applied_though_its_readers_are_killed(product: Product) -> None:
    message_id = f"<{uuid4().hex}@shop.example>"
    with product.client() as client:
        client.sendmail(product.mail_from, [ADDRESS], letter(product.mail_from, message_id))
    product.until_arrived({message_id})
    return_path = next(one.mail_from for one in product.sink.arrivals if one.message_id == message_id)
    product.until_recorded()
    product.kill("jobs", "cron")
    with smtplib.SMTP("127.0.0.1", product.port, local_hostname="mx.world.example", timeout=20) as world:
        world.sendmail("", [return_path], GONE)
    product.kill("relay")
    state = f"SELECT state FROM recipient WHERE rcpt_to = '{ADDRESS}'"
    product.until(lambda: product.value(state) == "bounced", "the bounce is applied")
    assert product.value(f"SELECT reason FROM suppression WHERE address = '{ADDRESS}'") == "hard_bounce"
    product.until(product.answers, "the relay listens again")
