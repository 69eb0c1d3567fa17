"""Every route of every site: closed unless it is on the short public list, and no POST without its CSRF token."""

from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.routing import Rule

from platform_core.settings import settings
from tests.fixtures_web import Agency, Visitor, console_of, portal_of
from whitelabel.hosts import HostDispatcher
from whitelabel.site.access import is_public

PUBLIC = {
    "portal": {"static", "theme_css", "logins.login"},
    "console": {"static", "theme_css", "logins.login", "health.live", "health.ready", "webhooks.stripe"},
}
# Let in by the signature of what they bring, and by nothing else.
SIGNED = {"webhooks.stripe"}
ARGUMENTS = {
    "place": "019aa000-0000-7000-8000-000000000000.0",
    "domain_id": 1,
    "smtp_account_id": 1,
    "key": "somebody",
    "ip_id": 1,
    "name": "google",
    "account_id": 1,
    "message_id": "019aa000-0000-7000-8000-000000000000",
    "pause_id": 1,
    "inbound_id": 1,
    "invoice_id": 1,
    "card_id": "card_1",
    "plan_id": 1,
    "rental_id": "0197a1f0-0000-7000-8000-000000000000",
    "filename": "app.css",
    "address": "a@b.example",
}


def paths_of(site: Flask) -> Iterator[tuple[str, str, str]]:
    """Endpoint, method and a path for each route."""
    urls = site.url_map.bind("localhost")
    for rule in site.url_map.iter_rules():
        assert isinstance(rule, Rule)
        values = {name: ARGUMENTS[name] for name in rule.arguments}
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule.endpoint, method, urls.build(rule.endpoint, values)


def test_the_public_pages_are_exactly_those_listed(web: HostDispatcher) -> None:
    for name, site in (("portal", portal_of(web)), ("console", console_of(web))):
        public = {endpoint for endpoint in site.view_functions if is_public(site, endpoint)}
        assert public == PUBLIC[name]


@pytest.mark.parametrize("name", ["portal", "console"])
def test_every_other_route_asks_a_stranger_to_log_in(web: HostDispatcher, agency: Agency, name: str) -> None:
    site = portal_of(web) if name == "portal" else console_of(web)
    stranger = Visitor(web, agency.portal if name == "portal" else settings().platform_host)
    closed = [path for path in paths_of(site) if path[0] not in PUBLIC[name]]
    assert closed
    for _, method, path in closed:
        answer = stranger.get(path) if method == "GET" else stranger.post(path)
        assert answer.status_code == 302, (method, path)
        assert answer.headers["Location"].startswith("/login"), (method, path)


@pytest.mark.parametrize("name", ["portal", "console"])
def test_no_post_is_taken_without_its_token(
    web: HostDispatcher, owner: Visitor, staff: Visitor, name: str
) -> None:
    site, visitor = (portal_of(web), owner) if name == "portal" else (console_of(web), staff)
    posts = [path for path in paths_of(site) if path[1] != "GET" and path[0] not in SIGNED]
    assert posts
    for _, _, path in posts:
        answer = visitor.post(path, token=False)
        assert answer.status_code == 400, path
        assert "expired" in answer.text


def test_htmx_is_told_to_change_pages_when_the_login_is_over(visitor: Visitor) -> None:
    answer = visitor.get("/emails", HX_Request="true")
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/login"


def test_a_login_at_the_portal_opens_nothing_on_the_console(web: HostDispatcher, owner: Visitor) -> None:
    cookie = owner.client.get_cookie("session", domain=owner.host)
    assert cookie is not None
    console = Visitor(web, settings().platform_host)
    for name in ("session", "console_session"):
        console.client.set_cookie(name, cookie.value, domain=console.host)
    assert console.get("/").status_code == 302


def test_a_login_at_one_reseller_opens_nothing_at_another(
    web: HostDispatcher, owner: Visitor, make_agency
) -> None:
    other = make_agency("Bluebird Post")
    cookie = owner.client.get_cookie("session", domain=owner.host)
    assert cookie is not None
    elsewhere = Visitor(web, other.portal)
    elsewhere.client.set_cookie("session", cookie.value, domain=other.portal)
    assert elsewhere.get("/").status_code == 302
