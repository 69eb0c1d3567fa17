"""The console's pages of the queue and of returned mail in a browser: they fit a phone, in both lights."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from platform_core.clock import SystemClock
from platform_core.database import db
from platform_core.settings import settings
from relay_worker.queue.pauses import pause
from relay_worker.queue.selection import Selection
from tenants.users.services import add_staff
from tests.fixtures_web import PASSWORD, Agency, deliver, delivered, send
from tests.relay_worker.queue.desk import owner_connection
from tests.whitelabel.browser.conftest import PHONE, WIDE, OpenPage
from tests.whitelabel.browser.test_pages import overflow

LETTER = (
    b"Received: from mail-out-17.eu-central.provider.example (mail-out-17.eu-central.provider.example [192.0.2.77])\r\n"
    b"From: Abuse Desk <abuse@provider.example>\r\nSubject: Your mail\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n'
    b"Dear postmaster,\r\n\r\nsomebody keeps writing to us. See https://provider.example/"
    + b"a-very-long-path-without-any-break/" * 6
    + b"\r\n--b\r\nContent-Type: image/png\r\n\r\nPNG\r\n--b--\r\n"
)


@pytest.fixture
def inbound_id(agency: Agency) -> Iterator[int]:
    """A queue with a pause in it, and a mail that was not understood."""
    deliver(delivered)
    send(agency.customer, "One", rcpt_to=("a@a-destination-with-a-long-name.example", "b@short.example"))
    wanted = Selection(reseller_id=agency.ref.id, account_id=agency.customer.id, rcpt_domain="short.example")
    pause(db.session(), wanted, reason="Complaints since Monday", actor="tests", clock=SystemClock())
    db.session.commit()
    query = """INSERT INTO relay.inbound (reseller_id, kind, mail_from, rcpt_to, client_address, received_at, raw, state,
               reason) VALUES (%s, 'postmaster', 'abuse@provider.example', 'postmaster@bounce.agency.example', '192.0.2.77',
               %s, %s, 'not_understood', 'it is a letter, and neither a report nor a complaint') RETURNING id"""
    with owner_connection() as connection:
        at = SystemClock().now() - timedelta(hours=5)
        row = connection.execute(query, (agency.ref.id, at, LETTER)).fetchone()
    assert row
    yield int(row["id"])
    with owner_connection() as connection:
        connection.execute("DELETE FROM relay.inbound WHERE reseller_id = %s", [agency.ref.id])
    db.session.execute(text("UPDATE relay.pause SET ended_at = now() WHERE ended_at IS NULL"))
    db.session.execute(text("SELECT relay.resume(100)"))
    db.session.commit()
    deliver(delivered)


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_of_queue_and_returned_mail_fit(
    agency: Agency, inbound_id: int, open_page: OpenPage, viewport: dict[str, int], scheme: str
) -> None:
    email = f"ada@{agency.ref.key}.example"
    add_staff(db.session(), email, "Ada", PASSWORD)
    db.session.commit()
    page = open_page(settings().platform_host, email, viewport=viewport, scheme=scheme)
    for path in "/queue", "/queue/pauses/new", "/inbound", f"/inbound/{inbound_id}":
        page.goto(path)
        assert overflow(page) <= 0, path
