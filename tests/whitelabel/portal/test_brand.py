"""The reseller's brand is the only one its people ever see."""

import re

import pytest

from platform_core.database import tenant_session
from platform_core.settings import ROOT, settings
from tenants.resellers.queries import brand
from tests.fixtures_web import Agency, Visitor, portal_of
from tests.platform_web.test_access import paths_of
from whitelabel.hosts import HostDispatcher

STATIC = ROOT / "whitelabel" / "static"


def test_no_page_or_header_of_the_portal_names_the_platform(
    web: HostDispatcher, owner: Visitor, visitor: Visitor
) -> None:
    platform = settings().platform_name.lower()
    paths = [path for _, method, path in paths_of(portal_of(web)) if method == "GET"]
    for path in [*paths, "/nothing"]:
        for who in (owner, visitor):
            answer = who.get(path)
            assert platform not in answer.text.lower(), path
            assert platform not in str(answer.headers).lower(), path


def test_no_file_we_serve_names_the_platform() -> None:
    ours = [path for path in STATIC.iterdir() if path.is_file()]
    assert ours
    for path in ours:
        assert settings().platform_name.lower() not in (path.name + path.read_text()).lower()


def test_each_portal_shows_its_own_name_and_colour(visitor: Visitor, agency: Agency) -> None:
    with tenant_session(agency.ref) as session:
        brand(session).primary_colour = "#0f766e"
        session.commit()
    page = visitor.get("/login").text
    assert f"Sign in to {agency.name}" in page
    sheet = re.search(r'href="(/theme\.css\?v=[0-9a-f]+)"', page)
    assert sheet is not None
    assert "--brand-given:#0f766e" in visitor.get(sheet[1]).text


def test_a_new_colour_has_a_new_address(visitor: Visitor, agency: Agency) -> None:
    addresses = set()
    for colour in ("#0f766e", "#7c3aed"):
        with tenant_session(agency.ref) as session:
            brand(session).primary_colour = colour
            session.commit()
        found = re.search(r"/theme\.css\?v=[0-9a-f]+", visitor.get("/login").text)
        addresses.add(found and found[0])
    assert len(addresses) == 2


@pytest.mark.parametrize("path", ["/login", "/theme.css", "/static/app.css", "/nothing"])
def test_every_answer_carries_the_security_headers(visitor: Visitor, path: str) -> None:
    headers = visitor.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_no_template_has_a_script_or_a_style_of_its_own() -> None:
    # Papers and mails are no pages: they have no site whose style sheet they could ask for.
    templates = [
        path
        for folder in (*ROOT.glob("themes/*/templates"), ROOT / "platform" / "platform_web")
        for path in folder.rglob("*.html")
    ]
    assert templates
    for path in templates:
        text = path.read_text()
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?! src=)|javascript:", text), path
        assert not re.search(r"https?://", text), path
