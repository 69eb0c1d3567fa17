"""The console's page of mail that came back and was not understood."""

import re
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select

from platform_core.clock import SystemClock
from platform_core.database import db
from platform_web.console.inbound.reading import MOST_TEXT_CHARACTERS, shown
from relay_worker.inbound.queries import InboundState, inbound_mail
from tenants.models import AuditEntry
from tests.fixtures_web import Agency, Visitor
from tests.relay_worker.queue.desk import owner_connection

ODD = (
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nFrom: <script>alert(1)</script>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n'
    b"<p>Dear <b>postmaster</b></p><img src=x onerror=alert(2)>\r\n--b\r\nContent-Type: image/png\r\n\r\nPNG\r\n--b--\r\n"
)
Left = Callable[..., int]


@pytest.fixture
def left(agency: Agency) -> Iterator[Left]:
    """A factory of mails that were not understood; their ids."""
    query = """INSERT INTO relay.inbound (reseller_id, kind, mail_from, rcpt_to, client_address, received_at, raw, state,
               reason) VALUES (%s, 'feedback', 'fbl@provider.example', 'fbl@x.example', '192.0.2.1', %s, %s,
               'not_understood', %s) RETURNING id"""

    def make(raw: bytes = ODD, reason: str = "it names no message of ours") -> int:
        with owner_connection() as connection:
            row = connection.execute(query, (agency.ref.id, SystemClock().now(), raw, reason)).fetchone()
        assert row
        return int(row["id"])

    yield make
    with owner_connection() as connection:
        connection.execute("DELETE FROM relay.inbound WHERE reseller_id = %s", [agency.ref.id])


def test_each_mail_has_a_line_with_its_reason_and_reseller(staff: Visitor, left: Left) -> None:
    made = left(reason="a fault of ours: <ValueError>")
    page = staff.get("/inbound").text
    assert f"/inbound/{made}" in page
    assert "a fault of ours: &lt;ValueError&gt;" in page
    assert "fbl@provider.example" in page and "Complaint" in page


def test_a_mail_is_shown_as_text_and_nothing_of_it_is_run(staff: Visitor, left: Left) -> None:
    page = staff.get(f"/inbound/{left()}").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page and "onerror" not in page
    assert re.search(r"Dear\s+postmaster", page)
    assert "image/png" in page and "PNG" not in page


def test_the_download_is_the_mail_as_it_came_and_is_never_shown(staff: Visitor, left: Left) -> None:
    answer = staff.get(f"/inbound/{left()}.eml")
    assert answer.data == ODD
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_what_is_done_is_off_the_list_and_written_down(agency: Agency, staff: Visitor, left: Left) -> None:
    made = left()
    assert staff.post(f"/inbound/{made}/done").status_code == 302
    assert f"/inbound/{made}" not in staff.get("/inbound").text
    assert inbound_mail(db.session(), made).state is InboundState.DONE
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (entry.action, entry.reseller_id, entry.detail) == (
        "inbound.done",
        agency.ref.id,
        {"inbound": str(made)},
    )
    assert staff.post(f"/inbound/{made}/done").status_code == 404


def test_a_mail_that_is_done_can_be_read_again(staff: Visitor, left: Left) -> None:
    made = left()
    staff.post(f"/inbound/{made}/done")
    assert "Read again" in staff.get(f"/inbound/{made}").text
    assert staff.post(f"/inbound/{made}/read-again").status_code == 302
    assert inbound_mail(db.session(), made).state is InboundState.UNREAD


def test_a_mail_that_is_not_there_is_a_404(staff: Visitor) -> None:
    for path in ("/inbound/987654321", "/inbound/987654321.eml"):
        assert staff.get(path).status_code == 404


@pytest.mark.parametrize("raw", [b"", b"\x00\xff\r\n", b"\r\n\r\n", b"a: b"])
def test_whatever_came_can_be_opened(staff: Visitor, left: Left, raw: bytes) -> None:
    assert staff.get(f"/inbound/{left(raw)}").status_code == 200


def test_characters_that_deceive_are_taken_out_and_long_texts_cut() -> None:
    mail = shown("Subject: a\u202egpj.exe\x07\r\n\r\n".encode() + b"x" * (MOST_TEXT_CHARACTERS + 1))
    assert mail.fields == (("subject", "a\ufffdgpj.exe\ufffd"),)
    (part,) = mail.parts
    assert part.text == "x" * MOST_TEXT_CHARACTERS
    assert part.cut
