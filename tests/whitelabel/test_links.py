"""Links: ours lead to configured names, and nobody's `next` leads away from us."""

import pytest

from platform_core.settings import Settings, settings
from whitelabel.links import external_url, local_path


@pytest.mark.parametrize("target", ["/", "/emails?state=bounced&q=a%20b", "/domains/3"])
def test_a_path_on_this_host_is_followed(target: str) -> None:
    assert local_path(target) == target


@pytest.mark.parametrize(
    "target",
    [
        None,
        "",
        "emails",
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "/\t/evil.example/",
        "/\n/evil.example/",
        "/ok\\..\\evil",
        "javascript:alert(1)",
        "\\\\evil.example",
        " //evil.example",
    ],
)
def test_whatever_might_lead_elsewhere_leads_home(target: str | None) -> None:
    assert local_path(target) == "/"


@pytest.mark.parametrize(
    ("scheme", "port", "url"),
    [
        ("http", 8080, "http://mail.agency.com:8080/login"),
        ("http", None, "http://mail.agency.com/login"),
        ("https", 443, "https://mail.agency.com/login"),
        ("https", 8443, "https://mail.agency.com:8443/login"),
    ],
)
def test_a_link_has_the_configured_scheme_and_port(scheme: str, port: int | None, url: str) -> None:
    configured: Settings = settings().model_copy(update={"external_scheme": scheme, "external_port": port})
    assert external_url(configured, "mail.agency.com", "/login") == url
