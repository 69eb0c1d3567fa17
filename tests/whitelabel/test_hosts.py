"""Host names: read strictly, remembered briefly, and never a way to somebody else's site."""

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Response

from platform_core.errors import Unavailable
from whitelabel.hosts import Host, HostDispatcher, RememberedHosts, SiteKind, parse_host


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("mail.agency.com", "mail.agency.com"),
        ("MAIL.Agency.COM", "mail.agency.com"),
        ("mail.agency.com.", "mail.agency.com"),
        ("mail.agency.com:8443", "mail.agency.com"),
        ("mail.agency.com.:8443", "mail.agency.com"),
        ("localhost", "localhost"),
        ("xn--mller-kva.example", "xn--mller-kva.example"),
    ],
)
def test_a_host_header_is_reduced_to_its_name(header: str, name: str) -> None:
    assert parse_host(header) == name


@pytest.mark.parametrize(
    "header",
    [
        "",
        ".",
        "mail.agency.com..",
        ".mail.agency.com",
        "mail..agency.com",
        "mail.agency.com:",
        "mail.agency.com:http",
        "mail.agency.com:123456",
        "mail.agency.com/path",
        "mail.agency.com@evil.example",
        "mail.agency.com\nX: y",
        "mail.agency.com, evil.example",
        " mail.agency.com",
        "[::1]:80",
        "-agency.com",
        "agenc\u0443.com",
        "agency.com:\u0661\u0662",
        "a" * 64 + ".com",
        ".".join(["a" * 60] * 5),
    ],
)
def test_what_is_no_host_name_leads_nowhere(header: str) -> None:
    assert parse_host(header) is None


def test_a_name_is_asked_for_once_until_its_time_is_over() -> None:
    asked: list[str] = []
    now = [0.0]

    def find(name: str) -> Host | None:
        asked.append(name)
        return Host(name, SiteKind.PORTAL)

    remembered = RememberedHosts(find, seconds=3, timer=lambda: now[0])
    for at in (0.0, 2.9, 3.1):
        now[0] = at
        assert remembered("a.example") == Host("a.example", SiteKind.PORTAL)
    assert asked == ["a.example", "a.example"]


def test_a_scanner_with_many_names_does_not_fill_the_memory() -> None:
    remembered = RememberedHosts(lambda name: None, most=10)
    for number in range(100):
        remembered(f"{number}.example")
    assert len(remembered._known) <= 10


def test_each_host_is_answered_by_its_own_site() -> None:
    assert _ask("console.example").text == "console"
    assert _ask("portal.example:8080").text == "portal"


def test_a_host_of_a_site_that_is_not_served_is_unknown() -> None:
    assert _ask("tracking.example").status_code == 404


def test_an_unknown_host_gets_a_page_that_names_nobody_and_leads_nowhere() -> None:
    answer = _ask("stranger.example")
    assert answer.status_code == 404
    assert "Location" not in answer.headers
    assert "href" not in answer.text
    assert "frankpost" not in answer.text.lower()
    assert "stranger" not in answer.text


def test_a_database_that_is_away_is_a_neutral_503() -> None:
    def find(name: str) -> Host | None:
        raise Unavailable("connection refused to 10.0.0.5")

    answer = Client(HostDispatcher({}, find=find)).get("/", base_url="http://a.example")
    assert answer.status_code == 503
    assert "10.0.0.5" not in answer.text


def _ask(host: str) -> Response:
    known = {
        "console.example": Host("console.example", SiteKind.CONSOLE),
        "portal.example": Host("portal.example", SiteKind.PORTAL),
        "tracking.example": Host("tracking.example", SiteKind.TRACKING),
    }
    sites = {SiteKind.CONSOLE: Response("console"), SiteKind.PORTAL: Response("portal")}
    return Client(HostDispatcher(sites, find=known.get)).get("/", base_url=f"http://{host}")
