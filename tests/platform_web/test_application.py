"""The application as a whole: hosts from settings and database, and proxies that are believed only when named."""

from werkzeug.test import Client

from platform_core.database import db
from platform_core.settings import settings
from platform_web.app import behind_proxies
from tenants.hostnames.services import remove_hostname
from tests.fixtures_web import Agency, Visitor, sites_with
from whitelabel.hosts import HostDispatcher


def test_only_portal_and_console_names_have_pages(web: HostDispatcher, agency: Agency) -> None:
    assert Visitor(web, agency.portal).get("/login").status_code == 200
    assert Visitor(web, settings().platform_host).get("/login").status_code == 200
    for purpose in ("smtp", "return-path", "tracking"):
        assert Visitor(web, f"{purpose}.{agency.ref.key}.localhost").get("/login").status_code == 404


def test_a_name_is_found_in_any_case_with_port_and_dot(web: HostDispatcher, agency: Agency) -> None:
    for host in (agency.portal.upper(), f"{agency.portal}.", f"{agency.portal}:8443", f"{agency.portal}.:80"):
        answer = Client(web).get("/login", headers={"Host": host})
        assert answer.status_code == 200, host
        assert agency.name in answer.text


def test_a_name_that_was_taken_away_leads_nowhere(web: HostDispatcher, agency: Agency) -> None:
    remove_hostname(db.session(), agency.ref.id, agency.portal)
    db.session.commit()
    assert Visitor(web, agency.portal).get("/login").status_code == 404


def test_no_redirect_repeats_the_host_header(web: HostDispatcher, agency: Agency) -> None:
    answer = Visitor(web, f"{agency.portal}:1234").get("/emails")
    assert answer.headers["Location"] == "/login?next=/emails"


def test_a_forwarded_host_is_believed_from_a_named_proxy_alone(database: object, agency: Agency) -> None:
    headers = {"Host": "inner.example", "X-Forwarded-Host": agency.portal}
    statuses = []
    with sites_with() as sites:
        for proxies in (0, 1):
            application = behind_proxies(sites, proxies)
            statuses.append(Client(application).get("/theme.css", headers=headers).status_code)
    assert statuses == [404, 200]


def test_behind_https_browsers_are_told_to_stay_there(database: object, agency: Agency) -> None:
    headers = {"X-Forwarded-Host": agency.portal, "X-Forwarded-Proto": "https"}
    with sites_with(external_scheme="https") as sites:
        answer = Client(behind_proxies(sites, 1)).get("/theme.css", headers=headers)
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    assert "includeSubDomains" not in answer.headers["Strict-Transport-Security"]
