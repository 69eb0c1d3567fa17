"""Errors on their way to HTTP: each has a status, and a page never shows our internals."""

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from platform_core import errors
from tests.fixtures_web import Agency, Visitor, portal_of, sites_with
from whitelabel.hosts import HostDispatcher
from whitelabel.http_errors import STATUS, status_of

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type)
    and issubclass(kind, errors.FrankpostError)
    and kind is not errors.FrankpostError
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_of_ours_has_a_status_of_its_own_choice(kind: type[errors.FrankpostError]) -> None:
    assert kind in dict(STATUS)
    assert status_of(kind.__new__(kind)) == dict(STATUS)[kind]


def test_an_unknown_page_is_a_404_in_the_brand_of_the_host(visitor: Visitor, agency: Agency) -> None:
    answer = visitor.get("/static/nothing.css")
    assert answer.status_code == 404
    assert agency.name in answer.text


def test_a_path_below_the_portal_that_does_not_exist_is_a_404(owner: Visitor) -> None:
    assert owner.get("/nothing-here").status_code == 404


@pytest.mark.parametrize(
    "path", ["/domains/{}", "/held/{}", "/smtp-accounts/{}/rotate", "/billing/invoices/{}.pdf"]
)
@pytest.mark.parametrize("number", [2**63, 10**40])
def test_a_number_that_is_nobodys_is_no_fault_of_ours(owner: Visitor, path: str, number: int) -> None:
    assert owner.get(path.format(number)).status_code == 404


def test_a_number_that_is_no_plans_is_no_fault_of_ours(owner: Visitor, staff: Visitor) -> None:
    answers = [
        owner.post(f"/billing/plan/{2**31}/trial"),
        staff.get(f"/plans/{2**31}"),
        staff.get(f"/addresses/{2**31}"),
        staff.post(f"/queue/pauses/{2**31}/end"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 4


def test_a_text_that_no_database_can_hold_is_no_fault_of_ours(owner: Visitor, staff: Visitor) -> None:
    answers = [
        owner.post("/login", {"email": "a\0@one.example", "password": "guess"}),
        owner.post("/smtp-accounts/new", {"name": "a\0"}),
        staff.post("/resellers/new", {"name": "a\0"}),
    ]
    assert [answer.status_code for answer in answers] == [400, 400, 400]
    assert "could not be understood" in answers[0].text


def test_a_wrong_method_says_which_are_right(owner: Visitor) -> None:
    answer = owner.get("/logout")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_a_bug_is_logged_and_answered_without_a_word_of_it(web: HostDispatcher, owner: Visitor) -> None:
    views = portal_of(web).view_functions
    view = views["emails.every"]
    views["emails.every"] = lambda: {}["the secret is 42"]
    try:
        with capture_logs() as logs:
            answer = owner.get("/emails")
    finally:
        views["emails.every"] = view
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert any(line["event"] == "request_failed" for line in logs)


def test_without_a_database_every_portal_asks_for_patience(web: HostDispatcher) -> None:
    nowhere = SecretStr("postgresql://a:b@127.0.0.1:1/c")
    with sites_with(database_web_url=nowhere) as sites:
        answer = Visitor(sites, "portal.agency.localhost").get("/login")
    assert answer.status_code == 503
    assert "127.0.0.1" not in answer.text
