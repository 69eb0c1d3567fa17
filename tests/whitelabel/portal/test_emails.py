"""The list of e-mails and the history of one."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from urllib.parse import quote

import pytest

from platform_core.clock import SystemClock
from platform_core.database import tenant_session
from platform_core.mail.states import BounceKind, RecipientState
from platform_core.mail.tls import TlsTrust
from relay_worker.bounces.classes import MEANINGS, OutcomeClass
from relay_worker.queue.claims import Claimed, Result
from tenants.accounts.queries import account_by_id
from tests.fixtures_web import Agency, Visitor, bounced, deliver, delivered, send

LINK = re.compile(r'href="(/emails/[0-9a-f-]{36}\.\d+)"')


@pytest.fixture(autouse=True)
def nothing_due_from_other_tests(app: object) -> Iterator[None]:
    deliver(delivered)
    yield


def test_each_recipient_has_its_line(agency: Agency, customer: Visitor) -> None:
    send(agency.customer, "Hello all", rcpt_to=("one@example.org", "two@example.org"))
    page = customer.get("/emails").text
    assert page.count(">Hello all<") == 2
    assert "one@example.org" in page and "two@example.org" in page
    assert "Queued" in page


def test_the_newest_comes_first(agency: Agency, customer: Visitor) -> None:
    send(agency.customer, "First")
    send(agency.customer, "Second")
    page = customer.get("/emails").text
    assert page.index("Second") < page.index("First")


def test_older_pages_show_every_line_once(agency: Agency, customer: Visitor) -> None:
    for n in range(5):
        send(agency.customer, f"Round {n}", rcpt_to=tuple(f"p{n}-{m}@example.org" for m in range(25)))
    seen: list[str] = []
    path: str | None = "/emails"
    while path:
        page = customer.get(path).text
        seen += LINK.findall(page)
        older = re.search(r'href="(/emails\?before=[^"]+)"', page)
        path = older[1] if older else None
    assert len(seen) == len(set(seen)) == 125


def test_a_status_narrows_the_list(agency: Agency, customer: Visitor) -> None:
    send(agency.customer, "Arrived")
    deliver(delivered)
    send(agency.customer, "Refused")
    deliver(bounced)
    assert "Arrived" in customer.get("/emails?state=delivered").text
    refused = customer.get("/emails?state=bounced").text
    assert "Refused" in refused and "Arrived" not in refused


@pytest.mark.parametrize("text", ["INVOICE", "anna@", "50%_off"])
def test_a_search_looks_into_subject_and_addresses(agency: Agency, customer: Visitor, text: str) -> None:
    send(agency.customer, "Invoice, 50%_off", rcpt_to=("anna@example.org",))
    send(agency.customer, "Something else")
    page = customer.get(f"/emails?q={quote(text)}").text
    assert "Invoice" in page
    assert "Something else" not in page


def test_a_percent_sign_in_a_search_means_itself(agency: Agency, customer: Visitor) -> None:
    send(agency.customer, "Plain subject")
    assert "Nothing found" in customer.get("/emails?q=%25").text


def test_a_filter_that_means_nothing_is_no_filter(agency: Agency, customer: Visitor) -> None:
    send(agency.customer, "Still here")
    for query in ("state=nonsense", "before=nonsense", "before=1.2", "q=%00", "state=%00", "before=."):
        assert "Still here" in customer.get(f"/emails?{query}").text


def test_an_account_that_sent_nothing_is_told_how_to_begin(customer: Visitor) -> None:
    assert "No e-mails yet" in customer.get("/emails").text


def test_htmx_gets_the_lines_alone(customer: Visitor) -> None:
    assert "<html" not in customer.get("/emails", HX_Request="true").text


def test_a_history_repeats_what_the_remote_said_as_text(agency: Agency, customer: Visitor) -> None:
    message = send(agency.customer, "Refused")[0]
    deliver(bounced)
    page = customer.get(f"/emails/{message}.0").text
    assert "550 5.1.1" in page
    assert "No such user &lt;b&gt;here&lt;/b&gt;" in page
    assert "mx.example.org" in page and "TLSv1.3" in page and "184" in page
    assert "suppression list" in page


@pytest.mark.parametrize(
    ("version", "trust", "words"),
    [
        ("", TlsTrust.NONE, "<span>without TLS</span>"),
        ("TLSv1.3", TlsTrust.NONE, "<span>TLSv1.3</span>"),
        (
            "TLSv1.3",
            TlsTrust.UNVERIFIED,
            "encrypted with TLSv1.3; the server&#39;s identity was not verified",
        ),
        (
            "TLSv1.2",
            TlsTrust.CERTIFICATE,
            "encrypted with TLSv1.2; the server was verified by its certificate",
        ),
        ("TLSv1.3", TlsTrust.MTA_STS, "as its domain demands (MTA-STS)"),
        ("TLSv1.3", TlsTrust.DANE, "signed DNS records (DANE)"),
    ],
)
def test_a_history_says_how_the_connection_was_protected(
    agency: Agency, customer: Visitor, version: str, trust: TlsTrust, words: str
) -> None:
    message = send(agency.customer, "Protected")[0]
    deliver(lambda claimed: replace(delivered(claimed), tls_version=version, tls_trust=trust))
    assert words in customer.get(f"/emails/{message}.0").text


def test_a_subject_is_text_wherever_it_stands(agency: Agency, customer: Visitor) -> None:
    message = send(agency.customer, "<script>alert(1)</script>")[0]
    for path in ("/", "/emails", f"/emails/{message}.0"):
        assert "<script>alert" not in customer.get(path).text


def test_an_email_that_does_not_exist_is_a_404(customer: Visitor) -> None:
    for place in ("nonsense", "1.2", "019aa000-0000-7000-8000-000000000000.0", "x.0", ".0"):
        assert customer.get(f"/emails/{place}").status_code == 404


def test_times_are_in_the_accounts_zone(agency: Agency, customer: Visitor) -> None:
    message = send(agency.customer, "Hello")[0]
    with tenant_session(agency.ref) as session:
        account_by_id(session, agency.customer.id).time_zone = "Asia/Kolkata"
        session.commit()
    assert "GMT+05:30" in customer.get(f"/emails/{message}.0").text


def refused_for(
    outcome: OutcomeClass, state: RecipientState = RecipientState.BOUNCED
) -> Callable[[Claimed], Result]:
    def result(claimed: Claimed) -> Result:
        next_at = SystemClock().now() + timedelta(hours=1) if state is RecipientState.DEFERRED else None
        kind = BounceKind.SOFT if state is RecipientState.BOUNCED else None
        return replace(
            bounced(claimed), outcome_class=outcome, state=state, bounce_kind=kind, next_at=next_at
        )

    return result


@pytest.mark.parametrize(
    "outcome", [OutcomeClass.MAILBOX_FULL, OutcomeClass.AUTHENTICATION, OutcomeClass.INTERNATIONAL]
)
def test_a_refusal_is_explained_with_who_must_act_and_how(
    agency: Agency, customer: Visitor, outcome: OutcomeClass
) -> None:
    message = send(agency.customer, "Refused")[0]
    deliver(refused_for(outcome))
    page = unescape(customer.get(f"/emails/{message}.0").text)
    meaning = MEANINGS[outcome]
    assert page.count(meaning.sentence) == 2  # of the e-mail, and of the attempt
    assert f"must act:</strong> {meaning.advice}." in page
    assert "No such user" in page  # the remote's own words stay


def test_an_e_mail_that_waits_says_why_and_until_when(agency: Agency, customer: Visitor) -> None:
    message = send(agency.customer, "Later")[0]
    deliver(refused_for(OutcomeClass.GREYLISTED, RecipientState.DEFERRED))
    page = unescape(customer.get(f"/emails/{message}.0").text)
    assert MEANINGS[OutcomeClass.GREYLISTED].sentence in page
    assert "The next attempt is planned for" in page


def test_the_list_says_the_reason_where_the_pointer_rests(agency: Agency, customer: Visitor) -> None:
    send(agency.customer, "Refused")
    deliver(refused_for(OutcomeClass.MAILBOX_FULL))
    page = unescape(customer.get("/emails").text)
    assert f'title="{MEANINGS[OutcomeClass.MAILBOX_FULL].sentence}"' in page


def test_a_class_that_the_portal_does_not_know_yet_is_not_explained(
    agency: Agency, customer: Visitor
) -> None:
    message = send(agency.customer, "Refused")[0]
    deliver(lambda claimed: replace(bounced(claimed), outcome_class="of_tomorrow"))
    assert customer.get(f"/emails/{message}.0").status_code == 200
