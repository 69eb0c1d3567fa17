"""Logging in to the portal: begun safely, ended from either side, and guessed at only a few times."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from platform_core.clock import StoppedClock
from platform_core.database import db, tenant_session
from platform_core.settings import settings
from tenants.models import LoginSession
from tenants.resellers.queries import reseller_by_id
from tenants.resellers.services import suspend_reseller
from tenants.users.queries import the_user
from tenants.users.services import suspend_user
from tests.fixtures_web import PASSWORD, Agency, Visitor, sites_with
from whitelabel.hosts import HostDispatcher


def try_login(visitor: Visitor, email: str, password: str, path: str = "/login") -> int:
    return visitor.post(path, {"email": email, "password": password}).status_code


def test_the_right_password_opens_the_dashboard(visitor: Visitor, agency: Agency) -> None:
    visitor.log_in(agency.main.owner)
    assert visitor.get("/").status_code == 200


def test_the_address_may_be_typed_in_any_case(visitor: Visitor, agency: Agency) -> None:
    assert try_login(visitor, f" {agency.main.owner.upper()} ", PASSWORD) == 302


def test_a_wrong_password_and_an_unknown_address_are_told_apart_by_nothing(
    visitor: Visitor, agency: Agency
) -> None:
    answers = [
        visitor.post("/login", {"email": email, "password": "wrong"})
        for email in (agency.main.owner, "nobody@nowhere.example")
    ]
    assert {answer.status_code for answer in answers} == {401}
    texts = {
        re.sub(r'value="[^"]*"|X-CSRFToken": "[^"]*"', "", answer.text) for answer in answers
    }  # what was typed and the form's token may differ
    assert len(texts) == 1


def test_a_user_of_another_reseller_is_unknown_here(visitor: Visitor, make_agency) -> None:
    assert try_login(visitor, make_agency("Bluebird").main.owner, PASSWORD) == 401


def test_a_log_in_gets_a_cookie_of_its_own(visitor: Visitor, agency: Agency) -> None:
    visitor.get("/login")
    before = visitor.client.get_cookie("session", domain=visitor.host)
    token = visitor.token()
    visitor.log_in(agency.main.owner)
    after = visitor.client.get_cookie("session", domain=visitor.host)
    assert before is not None and after is not None
    assert before.value != after.value
    old_form = visitor.client.post("/logout", base_url=f"http://{visitor.host}", data={"csrf_token": token})
    assert old_form.status_code == 400


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(visitor: Visitor) -> None:
    cookie = visitor.get("/login").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_behind_https_the_cookie_never_travels_in_clear(database: object) -> None:
    with sites_with(external_scheme="https", platform_host="console.example") as sites:
        cookie = Visitor(sites, "console.example").get("/login").headers["Set-Cookie"]
    assert cookie.startswith("__Host-")
    assert "Secure" in cookie


def test_the_cookie_outlives_the_browser_and_ends_with_the_login(visitor: Visitor, agency: Agency) -> None:
    answer = visitor.post("/login", {"email": agency.main.owner, "password": PASSWORD})
    days = (
        datetime.strptime(_expiry(answer), "%a, %d %b %Y %H:%M:%S %Z").replace(tzinfo=UTC) - datetime.now(UTC)
    ).days
    assert days in (settings().session_days - 1, settings().session_days)
    visitor.get("/emails")
    assert "Set-Cookie" not in visitor.get("/emails").headers


def _expiry(answer: TestResponse) -> str:
    found = re.search(r"Expires=([^;]+)", answer.headers["Set-Cookie"])
    assert found is not None
    return found[1]


def test_only_a_hash_of_the_token_is_stored(visitor: Visitor, agency: Agency) -> None:
    visitor.log_in(agency.main.owner)
    cookie = visitor.client.get_cookie("session", domain=visitor.host)
    with tenant_session(agency.ref) as session:
        stored = session.scalars(select(LoginSession)).all()
    assert cookie is not None
    assert [len(one.token_hash) for one in stored] == [32]
    assert stored[0].address == visitor.address


def test_logging_out_ends_the_login_for_whoever_kept_the_cookie(visitor: Visitor, agency: Agency) -> None:
    visitor.log_in(agency.main.owner)
    kept = visitor.client.get_cookie("session", domain=visitor.host)
    assert visitor.post("/logout").status_code == 302
    assert kept is not None
    visitor.client.set_cookie("session", kept.value, domain=visitor.host)
    assert visitor.get("/").status_code == 302


def test_a_new_password_ends_every_other_login(web: HostDispatcher, agency: Agency) -> None:
    here = Visitor(web, agency.portal).log_in(agency.main.owner)
    elsewhere = Visitor(web, agency.portal).log_in(agency.main.owner)
    new = "a-much-longer-password"
    assert here.post("/password", {"current": PASSWORD, "new": new, "again": new}).status_code == 302
    assert here.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 302
    assert try_login(elsewhere, agency.main.owner, PASSWORD) == 401
    elsewhere.log_in(agency.main.owner, new)


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"current": "wrong", "new": "long-enough-1", "again": "long-enough-1"}, "current password is wrong"),
        ({"current": PASSWORD, "new": "short", "again": "short"}, "at least"),
        ({"current": PASSWORD, "new": "long-enough-1", "again": "long-enough-2"}, "differ"),
        ({"current": PASSWORD, "new": PASSWORD, "again": PASSWORD}, "must differ from the current"),
    ],
)
def test_a_password_is_not_changed_without_reason(
    owner: Visitor, form: dict[str, str], sentence: str
) -> None:
    answer = owner.post("/password", form)
    assert answer.status_code == 422
    assert sentence in answer.text


def test_a_suspended_user_is_out_at_once(owner: Visitor, agency: Agency) -> None:
    with tenant_session(agency.ref) as session:
        suspend_user(session, the_user(session, agency.main.owner))
        session.commit()
    assert owner.get("/").status_code == 302
    assert try_login(owner, agency.main.owner, PASSWORD) == 401


def test_a_suspended_resellers_portal_is_closed_to_everybody(owner: Visitor, agency: Agency) -> None:
    suspend_reseller(db.session(), reseller_by_id(db.session(), agency.ref.id), actor="tests")
    db.session.commit()
    for path in ("/", "/login", "/emails"):
        answer = owner.get(path)
        assert answer.status_code == 403
        assert agency.name in answer.text


def test_a_login_ends_by_itself(agency: Agency) -> None:
    clock = StoppedClock(datetime.now(UTC))
    with sites_with(clock, session_days=14) as sites:
        visitor = Visitor(sites, agency.portal).log_in(agency.main.owner)
        clock.advance(timedelta(days=13))
        assert visitor.get("/").status_code == 200
        clock.advance(timedelta(days=2))
        assert visitor.get("/").status_code == 302


def test_after_the_log_in_one_is_where_one_wanted_to_be(visitor: Visitor, agency: Agency) -> None:
    asked = visitor.get("/emails?state=bounced").headers["Location"]
    answer = visitor.post(asked, {"email": agency.main.owner, "password": PASSWORD})
    assert answer.headers["Location"] == "/emails?state=bounced"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_nobody_is_led_elsewhere_after_the_log_in(visitor: Visitor, agency: Agency, target: str) -> None:
    visitor.token()
    answer = visitor.post(f"/login?next={target}", {"email": agency.main.owner, "password": PASSWORD})
    assert answer.headers["Location"] == "/"


def test_guesses_are_counted_for_each_address(agency: Agency) -> None:
    with sites_with(login_limit="3 per minute") as sites:
        guesser = Visitor(sites, agency.portal)
        statuses = [try_login(guesser, f"{n}@nowhere.example", "guess") for n in range(5)]
        assert statuses == [401, 401, 401, 429, 429]
        assert try_login(Visitor(sites, agency.portal), agency.main.owner, PASSWORD) == 302


def test_guesses_are_counted_for_each_user_name_whoever_guesses(agency: Agency) -> None:
    with sites_with(login_limit="3 per minute") as sites:
        name = agency.customer.owner
        for spelling in (name, name.upper(), f" {name}"):
            assert try_login(Visitor(sites, agency.portal), spelling, "guess") == 401
        assert try_login(Visitor(sites, agency.portal), name, PASSWORD) == 429


def test_guesses_are_counted_for_each_user_name_however_the_host_is_written(agency: Agency) -> None:
    with sites_with(login_limit="3 per minute") as sites:
        name = agency.customer.owner
        for host in (f"{agency.portal}:8001", f"{agency.portal}.", agency.portal.upper()):
            assert try_login(Visitor(sites, host), name, "guess") == 401
        assert try_login(Visitor(sites, f"{agency.portal}:8002"), name, PASSWORD) == 429


def test_guesses_from_all_over_one_ipv6_network_are_those_of_one_address(agency: Agency) -> None:
    with sites_with(login_limit="3 per minute") as sites:
        statuses = []
        for n in range(4):
            guesser = Visitor(sites, agency.portal)
            guesser.address = f"2001:db8:7:7::{n:x}"
            statuses.append(try_login(guesser, f"{n}@nowhere.example", "guess"))
        assert statuses == [401, 401, 401, 429]


def test_guesses_at_the_current_password_are_counted_too(agency: Agency) -> None:
    form = {"current": "guess", "new": "a-much-longer-password", "again": "a-much-longer-password"}
    with sites_with(login_limit="3 per minute") as sites:
        borrowed = Visitor(sites, agency.portal).log_in(agency.customer.owner)
        statuses = [borrowed.post("/password", form).status_code for _ in range(4)]
        assert statuses == [422, 422, 422, 429]
        elsewhere = Visitor(sites, agency.portal).log_in(agency.customer.member)
        assert elsewhere.post("/password", form).status_code == 422


def test_a_guesser_is_told_to_wait_in_a_page_of_the_brand(agency: Agency) -> None:
    with sites_with(login_limit="1 per minute") as sites:
        guesser = Visitor(sites, agency.portal)
        try_login(guesser, "a@nowhere.example", "guess")
        answer = guesser.post("/login", {"email": "a@nowhere.example", "password": "guess"})
    assert "wait a few minutes" in answer.text
    assert agency.name in answer.text
