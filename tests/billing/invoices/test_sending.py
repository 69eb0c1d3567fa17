"""Sending invoices: what the letter says, whose it is, that it goes once, and what happens when it can't."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.invoices.jobs import send_invoices
from billing.invoices.models import InvoiceSending, PlatformInvoiceSending
from billing.invoices.papers import paper_of
from billing.invoices.parties import Party
from billing.invoices.profiles.services import set_platforms_profile, set_terms
from billing.invoices.queries import invoices_in
from billing.invoices.sending.letters import Mailroom, send_due
from billing.invoices.sending.services import WAITS, ask_to_send, take_due
from billing.invoices.services import Issued, issue_invoice
from billing.letters.letterbox import Letterbox, open_letterbox
from platform_core.clock import StoppedClock, SystemClock
from platform_core.database import ResellerRef, db, tenant_session
from platform_core.errors import InvalidInput, NotFound, Unavailable
from platform_core.security import Seal
from platform_core.settings import Settings
from tenants.accounts.queries import main_account
from tenants.domains.services import add_domain
from tenants.models import Account, DomainState
from tenants.pending.kinds import Work
from tenants.pending.queries import pending
from tenants.resellers.queries import reseller_by_id
from tenants.resellers.services import suspend_reseller
from tests.billing.invoices.papers import GRAZ, LYON, TEL_AVIV, TERMS, VIENNA, draft
from tests.relay_worker.queue.desk import owner_connection

pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@dataclass
class Pigeonhole:
    """A `Post` that keeps what it is given, or refuses with `refuses`."""

    refuses: str = ""
    posted: list[tuple[EmailMessage, Letterbox, str]] = field(default_factory=list)

    def post(self, message: EmailMessage, letterbox: Letterbox, to: str) -> None:
        if self.refuses:
            raise Unavailable(self.refuses)
        self.posted.append((message, letterbox, to))


@pytest.fixture
def post() -> Pigeonhole:
    return Pigeonhole()


@pytest.fixture
def domain(rows: Session, database: Settings) -> str:
    """The reseller's own domain, verified."""
    seal = Seal(database.secret_key.get_secret_value())
    add_domain(rows, main_account(rows).id, "acme.example", seal=seal).state = DomainState.VERIFIED
    rows.commit()
    return "acme.example"


@pytest.fixture
def room(rows: Session, post: Pigeonhole, clock: StoppedClock, reseller: ResellerRef) -> Iterator[Mailroom]:
    with tenant_session(reseller) as sender_rows:
        yield Mailroom(sender_rows, post, clock)


@pytest.fixture
def issued(rows: Session, customer: Account, clock: StoppedClock) -> Issued:
    invoice = issue_invoice(rows, draft(customer), clock=clock)
    rows.commit()
    return invoice


def test_a_letter_brings_the_invoice_in_the_resellers_name(
    rows: Session, issued: Issued, room: Mailroom, post: Pigeonhole, domain: str, clock: StoppedClock
) -> None:
    ask_to_send(rows, issued.id, clock=clock)
    assert send_due(rows, room) == 1
    ((message, _, to),) = post.posted
    assert to == GRAZ.email
    assert message["From"] == "Acme Mail <billing@acme.example>"
    assert message["Subject"] == "Rechnung AM-2026-0001 von Acme Mail"
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "Bitte überweisen Sie 82,80\xa0€ bis 16.11.2026" in text.get_content()
    assert "<strong>Bitte überweisen Sie 82,80" in html.get_content()
    (pdf,) = message.iter_attachments()
    assert (pdf.get_filename(), pdf.get_content_type()) == ("AM-2026-0001.pdf", "application/pdf")
    assert pdf.get_content() == paper_of(rows, issued.id).content


@pytest.mark.parametrize("buyer", [LYON, TEL_AVIV])
def test_a_letter_speaks_the_buyers_language(
    rows: Session, customer: Account, room: Mailroom, post: Pigeonhole, domain: str, buyer: Party
) -> None:
    issued = issue_invoice(rows, draft(customer, buyer), clock=room.clock)
    ask_to_send(rows, issued.id, clock=room.clock)
    assert send_due(rows, room) == 1
    html = post.posted[0][0].get_body(("html",))
    assert html is not None
    assert ('dir="rtl"' in html.get_content()) == (buyer is TEL_AVIV)
    assert ("Bonjour" in html.get_content()) == (buyer is LYON)


def test_an_invoice_goes_out_once_and_again_when_asked_for(
    rows: Session, issued: Issued, room: Mailroom, post: Pigeonhole, domain: str, clock: StoppedClock
) -> None:
    ask_to_send(rows, issued.id, clock=clock)
    assert (send_due(rows, room), send_due(rows, room)) == (1, 0)
    assert invoices_in(rows)[0].sent_at == clock.now()
    ask_to_send(rows, issued.id, clock=clock, send_to="boss@muster.example")
    assert send_due(rows, room) == 1
    assert [to for _, _, to in post.posted] == [GRAZ.email, "boss@muster.example"]
    assert len({message["Message-ID"] for message, _, _ in post.posted}) == 2


def test_a_letter_that_is_taken_is_not_taken_twice(
    rows: Session, issued: Issued, clock: StoppedClock
) -> None:
    ask_to_send(rows, issued.id, clock=clock)
    assert len(take_due(rows, clock.now())) == 1
    assert take_due(rows, clock.now()) == []
    # Unless whoever took it has died.
    assert len(take_due(rows, clock.now() + WAITS[0])) == 1


def test_what_the_relay_refuses_is_tried_again_and_at_last_given_up(
    rows: Session, issued: Issued, room: Mailroom, post: Pigeonhole, domain: str, clock: StoppedClock
) -> None:
    post.refuses = "552 5.2.2 no credits"
    ask_to_send(rows, issued.id, clock=clock)
    for wait in (*WAITS, timedelta(days=30)):
        assert send_due(rows, room) == 0
        clock.advance(wait)
    sending = rows.scalars(select(InvoiceSending)).one()
    assert (sending.next_at, sending.sent_at, sending.problem) == (None, None, post.refuses)
    assert sending.tries == len(WAITS) + 1


def test_without_a_verified_domain_the_invoice_waits_for_one(
    rows: Session, issued: Issued, room: Mailroom, post: Pigeonhole, clock: StoppedClock
) -> None:
    ask_to_send(rows, issued.id, clock=clock)
    assert send_due(rows, room) == 0
    sending = rows.scalars(select(InvoiceSending)).one()
    assert "acme.example is not a verified sending domain" in sending.problem
    assert sending.next_at == clock.now() + WAITS[0]


@pytest.fixture
def platforms_invoice(rows: Session, reseller: ResellerRef, clock: StoppedClock) -> Issued:
    """From the platform to a reseller, to be sent."""
    platform = db.session()
    set_platforms_profile(platform, LYON)
    set_terms(platform, replace(TERMS, number_format=f"{reseller.key}-{{number}}"))
    issued = issue_invoice(platform, draft(main_account(rows), VIENNA), clock=clock)
    ask_to_send(platform, issued.id, clock=clock)
    platform.commit()
    return issued


def test_the_platforms_invoices_go_out_through_the_reseller_that_is_the_platform(
    room: Mailroom, post: Pigeonhole, domain: str, platforms_invoice: Issued, reseller: ResellerRef
) -> None:
    assert send_due(db.session(), room) >= 1  # other tests may have left some in the platform's books
    number = platforms_invoice.number
    ((message, box, to),) = [one for one in post.posted if number in str(one[0]["Subject"])]
    assert (to, message["From"].addresses[0].domain) == (VIENNA.email, domain)
    assert message["Reply-To"] == LYON.email
    assert box.reseller.key == reseller.key


def test_without_such_a_reseller_they_wait_with_the_reason(
    room: Mailroom, post: Pigeonhole, platforms_invoice: Issued
) -> None:
    assert send_due(db.session(), replace(room, sender_rows=None)) == 0
    sending = PlatformInvoiceSending
    problem = db.session().scalar(select(sending.problem).where(sending.invoice_id == platforms_invoice.id))
    assert problem == "fleurs.example is not a verified sending domain of this account."


def queued(reseller: ResellerRef) -> list[dict[str, Any]]:
    """The letters that are in the queue, and what they are."""
    with owner_connection(reseller) as books:
        return books.execute(
            "SELECT m.account_id, m.mail_from, m.header_from, m.body_8bit, r.rcpt_to, b.raw, d.account_id AS due_for"
            " FROM message m JOIN recipient r ON r.message_id = m.id JOIN message_body b ON b.message_id = m.id"
            " JOIN relay.due d ON d.message_id = m.id ORDER BY m.id"
        ).fetchall()


def test_a_letter_is_queued_as_the_resellers_own_and_costs_nobody_anything(
    rows: Session, issued: Issued, domain: str, reseller: ResellerRef
) -> None:
    """No account has a credit here, and the reseller's own no SMTP account."""
    ask_to_send(rows, issued.id, clock=SystemClock())
    rows.commit()
    send_invoices()
    (letter,) = queued(reseller)
    assert (letter["account_id"], letter["due_for"], letter["mail_from"]) == (0, 0, "")
    assert (letter["header_from"], letter["rcpt_to"]) == ("billing@acme.example", GRAZ.email)
    raw = bytes(letter["raw"])
    assert (b"\r\nSubject: Rechnung AM-2026-" in raw, b"\n" in raw.replace(b"\r\n", b"")) == (True, False)
    assert letter["body_8bit"] is not raw.isascii()
    rows.expire_all()
    assert rows.scalars(select(InvoiceSending)).one().sent_at is not None
    counts = "SELECT (SELECT count(*) FROM account_month) + (SELECT count(*) FROM credit_entry) AS found"
    with owner_connection(reseller) as books:
        assert books.execute(counts).fetchall() == [{"found": 0}]


def test_the_job_looks_where_a_letter_waits_until_it_is_sent(
    rows: Session, issued: Issued, domain: str, reseller: ResellerRef
) -> None:
    assert not waits(reseller)
    ask_to_send(rows, issued.id, clock=SystemClock())
    rows.rollback()
    assert not waits(reseller)
    ask_to_send(rows, issued.id, clock=SystemClock())
    rows.commit()
    assert waits(reseller)
    send_invoices()
    assert (len(queued(reseller)), waits(reseller)) == (1, False)


def waits(reseller: ResellerRef) -> bool:
    db.session.rollback()
    return reseller in [one.reseller for one in pending(db.session(), Work.INVOICES)]


def test_while_the_reseller_may_not_send_the_letter_waits(
    rows: Session, issued: Issued, domain: str, reseller: ResellerRef
) -> None:
    ask_to_send(rows, issued.id, clock=SystemClock())
    rows.commit()
    suspend_reseller(db.session(), reseller_by_id(db.session(), reseller.id), actor="tests")
    db.session.commit()
    send_invoices()
    rows.expire_all()
    sending = rows.scalars(select(InvoiceSending)).one()
    assert (sending.tries, sending.sent_at, queued(reseller)) == (1, None, [])
    assert "may not send" in sending.problem


def test_what_is_no_address_costs_a_try_and_is_said(
    rows: Session, issued: Issued, domain: str, reseller: ResellerRef
) -> None:
    ask_to_send(rows, issued.id, clock=SystemClock(), send_to="two@@example.org")
    rows.commit()
    send_invoices()
    rows.expire_all()
    assert "not valid" in rows.scalars(select(InvoiceSending)).one().problem


def test_a_buyer_without_an_address_is_told_at_once(
    rows: Session, customer: Account, clock: StoppedClock
) -> None:
    issued = issue_invoice(rows, draft(customer, replace(GRAZ, email="")), clock=clock)
    with pytest.raises(InvalidInput):
        ask_to_send(rows, issued.id, clock=clock)


def test_the_paper_is_the_same_bytes_ever_after_and_one_buyers_only(
    rows: Session, issued: Issued, customer: Account
) -> None:
    first = paper_of(rows, issued.id, buyer_id=customer.id)
    assert paper_of(rows, issued.id, buyer_id=customer.id) == first
    with pytest.raises(NotFound):
        paper_of(rows, issued.id, buyer_id=customer.id + 1)


def test_answers_go_where_the_seller_wants_them(rows: Session, domain: str) -> None:
    own = open_letterbox(rows, answers_to="accounts@ACME.example").sender
    elsewhere = open_letterbox(rows, answers_to="acme@gmail.example").sender
    assert own.address == "accounts@ACME.example"
    assert (elsewhere.address, elsewhere.reply_to) == ("billing@acme.example", "acme@gmail.example")
