"""The unsubscribe link: a page that does nothing by itself, and a post that acts at once."""

from dataclasses import replace

import pytest
from flask import Flask
from werkzeug.test import Client, TestResponse

from platform_core.database import tenant_session
from platform_core.ids import AccountId
from platform_core.settings import settings
from relay_worker.messages.queries import Place, email_history
from relay_worker.suppressions.queries import suppressions_of
from relay_worker.suppressions.tokens import Subscription, UnsubscribeTokens
from tenants.models import HostPurpose
from tests.fixtures_web import Agency, Visitor, delivered, send
from tests.fixtures_web import deliver as deliver_all
from whitelabel.hosts import HostDispatcher, SiteKind
from whitelabel.site.access import is_public


@pytest.fixture
def subscription(agency: Agency) -> Subscription:
    """That of the one recipient of a message which the agency's customer has sent."""
    (message,) = send(agency.customer, "Offers", rcpt_to=("Jo@there.example",))
    deliver_all(delivered)
    return Subscription(agency.ref.id, agency.customer.id, "Jo@there.example", message, 0)


def path_of(subscription: Subscription) -> str:
    tokens = UnsubscribeTokens.from_secret(settings().secret_key.get_secret_value())
    return f"/u/{tokens.make(subscription)}"


def at_tracking_host(
    web: HostDispatcher, agency: Agency, method: str, path: str, **options: object
) -> TestResponse:
    host = agency.portal.replace(HostPurpose.PORTAL, HostPurpose.TRACKING)
    return Client(web, use_cookies=False).open(
        path, method=method, base_url=f"http://{host}", buffered=True, **options
    )


def suppressed(agency: Agency) -> dict[str, str]:
    with tenant_session(agency.ref) as session:
        found = suppressions_of(session, agency.customer.id)
        return {one.address: f"{one.reason} by {one.origin}" for one in found.lines}


def test_a_one_click_post_acts_at_once_without_cookies_or_questions(
    web: HostDispatcher, agency: Agency, subscription: Subscription
) -> None:
    form = {"List-Unsubscribe": "One-Click"}
    answer = at_tracking_host(web, agency, "POST", path_of(subscription), data=form)
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert suppressed(agency) == {"jo@there.example": "unsubscribe by link"}


def test_again_it_says_the_same_and_does_nothing_more(
    web: HostDispatcher, agency: Agency, subscription: Subscription
) -> None:
    first, second = (at_tracking_host(web, agency, "POST", path_of(subscription)) for _ in range(2))
    assert first.text == second.text
    with tenant_session(agency.ref) as session:
        history = email_history(session, agency.customer.id, Place(subscription.message_id, 0))
    assert [attempt.kind for attempt in history.attempts] == ["delivered", "unsubscribed"]


def test_it_is_in_the_history_of_the_one_among_several_however_the_address_is_written(
    web: HostDispatcher, agency: Agency
) -> None:
    (message,) = send(agency.customer, "Offers", rcpt_to=("al@there.example", "Bob@there.example"))
    deliver_all(delivered)
    link = Subscription(agency.ref.id, agency.customer.id, "Bob@there.example", message, 1)
    at_tracking_host(web, agency, "POST", path_of(link))
    with tenant_session(agency.ref) as session:
        history = email_history(session, agency.customer.id, Place(message, 1))
    assert [attempt.kind for attempt in history.attempts] == ["delivered", "unsubscribed"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_looking_at_the_link_changes_nothing(
    web: HostDispatcher, agency: Agency, subscription: Subscription, method: str
) -> None:
    assert at_tracking_host(web, agency, method, path_of(subscription)).status_code == 200
    assert suppressed(agency) == {}


def test_the_page_bears_the_resellers_brand_and_names_sender_and_address(
    web: HostDispatcher, agency: Agency, subscription: Subscription
) -> None:
    page = at_tracking_host(web, agency, "GET", path_of(subscription))
    assert "Northwind Mail" in page.text
    assert "No more e-mails from Contoso Shop?" in page.text
    assert "Jo@there.example" in page.text
    assert settings().platform_name not in page.text
    assert "Set-Cookie" not in page.headers
    assert page.headers["Cache-Control"] == "no-store"


def test_the_log_holds_no_link(
    web: HostDispatcher, agency: Agency, subscription: Subscription, capsys: pytest.CaptureFixture[str]
) -> None:
    at_tracking_host(web, agency, "GET", path_of(subscription))
    logged = capsys.readouterr().out
    assert "/u/<token>" in logged
    assert path_of(subscription) not in logged


def test_a_link_works_when_its_message_is_forgotten(
    web: HostDispatcher, agency: Agency, subscription: Subscription
) -> None:
    old = replace(subscription, n=7)
    for _ in range(2):
        assert at_tracking_host(web, agency, "POST", path_of(old)).status_code == 200
    assert suppressed(agency) == {"jo@there.example": "unsubscribe by link"}


def test_another_resellers_link_is_nobodys_here(
    web: HostDispatcher, agency: Agency, subscription: Subscription, make_agency
) -> None:
    other = make_agency("Bluebird Post")
    for method in ("GET", "POST"):
        answer = at_tracking_host(web, other, method, path_of(subscription))
        assert answer.status_code == 404
        assert "Bluebird" not in answer.text
    assert suppressed(agency) == suppressed(other) == {}


@pytest.mark.parametrize("path", ["/u/x", "/u/" + "A" * 200, "/u/%00", "/u/b-ä"])
def test_what_is_no_token_gets_a_page_of_nobodys(web: HostDispatcher, agency: Agency, path: str) -> None:
    for method in ("GET", "POST"):
        answer = at_tracking_host(web, agency, method, path)
        assert answer.status_code == 404
        assert "There is no site at this address" in answer.text


def test_an_account_that_is_gone_has_no_link(
    web: HostDispatcher, agency: Agency, subscription: Subscription
) -> None:
    gone = replace(subscription, account_id=AccountId(999_999))
    assert at_tracking_host(web, agency, "POST", path_of(gone)).status_code == 404


def test_a_link_is_posted_to_so_often_only(
    web: HostDispatcher, agency: Agency, subscription: Subscription
) -> None:
    codes = [at_tracking_host(web, agency, "POST", path_of(subscription)).status_code for _ in range(21)]
    assert codes == [200] * 20 + [429]


def test_every_page_of_the_tracking_host_is_public_and_none_of_another_site(web: HostDispatcher) -> None:
    tracking = web.sites[SiteKind.TRACKING]
    assert isinstance(tracking, Flask)
    assert set(tracking.view_functions) == {"static", "theme_css", "unsubscribe.show", "unsubscribe.act"}
    assert all(is_public(tracking, endpoint) for endpoint in tracking.view_functions)


def test_the_portal_knows_no_unsubscribe_links(visitor: Visitor, subscription: Subscription) -> None:
    assert visitor.get(path_of(subscription)).status_code == 404
