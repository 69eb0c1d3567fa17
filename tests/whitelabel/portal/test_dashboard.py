"""The dashboard's figures: counted from what was accepted and what came of it."""

import re
from collections.abc import Iterator

import pytest

from platform_core.database import tenant_session
from tenants.accounts.queries import account_by_id
from tests.fixtures_web import Agency, Visitor, bounced, deliver, delivered, send

FIGURE = re.compile(r'figure-name">([^<]+)</div>\s*<div class="figure-value[^"]*">([^<]+)</div>')


@pytest.fixture(autouse=True)
def nothing_due_from_other_tests(app: object) -> Iterator[None]:
    deliver(delivered)
    yield


def figures(visitor: Visitor) -> dict[str, str]:
    return dict(FIGURE.findall(visitor.get("/").text))


def test_an_account_that_sent_nothing_has_zeros_and_no_rate(customer: Visitor) -> None:
    shown = figures(customer)
    assert (shown["Sent"], shown["Delivered"], shown["Delivery rate"], shown["In queue"]) == (
        "0",
        "0",
        "\u2013",
        "0",
    )
    assert shown["Credits left"] == "1,000"


def test_every_recipient_is_counted_where_it_stands(agency: Agency, customer: Visitor) -> None:
    send(agency.customer, "Arrives", rcpt_to=("a@example.org", "b@example.org", "c@example.org"))
    deliver(delivered)
    send(agency.customer, "Bounces")
    deliver(bounced)
    send(agency.customer, "Waits", rcpt_to=("d@example.org", "e@example.org"))
    shown = figures(customer)
    assert (shown["Sent"], shown["Delivered"], shown["In queue"]) == ("6", "3", "2")
    assert shown["Delivery rate"] == "75%"
    assert shown["Credits left"] == "994"
    assert shown["Used this month"] == "6"


@pytest.mark.parametrize(("cap", "css"), [(10, '"quota "'), (7, '"quota near"'), (6, '"quota full"')])
def test_the_quota_bar_changes_its_colour_with_the_cap(
    agency: Agency, customer: Visitor, cap: int, css: str
) -> None:
    send(agency.customer, "Hello", rcpt_to=tuple(f"{n}@example.org" for n in range(6)))
    with tenant_session(agency.ref) as session:
        account_by_id(session, agency.customer.id).monthly_cap = cap
        session.commit()
    page = customer.get("/domains").text
    assert css in page
    assert ("Sending has stopped" in page) == (cap == 6)


def test_without_a_cap_there_is_no_quota_bar(customer: Visitor) -> None:
    assert 'class="quota' not in customer.get("/").text


def test_a_reseller_sees_each_customers_day(agency: Agency, owner: Visitor) -> None:
    send(agency.customer, "One", "Two")
    for path in ("/", "/sub-accounts"):
        page = owner.get(path).text
        assert page.index("Contoso Shop") < page.index("Fabrikam Shop")
        row = page[page.index("Contoso Shop") : page.index("Fabrikam Shop")]
        assert 'data-label="Sent today">2<' in row


def test_sub_accounts_are_found_by_name(owner: Visitor) -> None:
    page = owner.get("/sub-accounts?q=contoSO").text
    assert "Contoso Shop" in page and "Fabrikam Shop" not in page
    assert "Nothing found" in owner.get("/sub-accounts?q=%25").text


def test_a_suspended_account_is_told_so_on_every_page(agency: Agency, customer: Visitor) -> None:
    with tenant_session(agency.ref) as session:
        account_by_id(session, agency.customer.id).state = "suspended"
        session.commit()
    for path in ("/", "/emails", "/smtp-settings"):
        assert "This account is suspended" in customer.get(path).text
