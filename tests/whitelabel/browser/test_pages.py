"""The pages in a browser: nothing blocked, nothing broken, nothing wider than the screen, in both lights."""

import pytest
from playwright.sync_api import Page

from platform_core.database import db
from platform_core.settings import settings
from tenants.users.services import add_staff
from tests.fixtures_web import PASSWORD, Agency, bounced, deliver, send
from tests.whitelabel.browser.conftest import PHONE, WIDE, OpenPage

PORTAL = (
    "/",
    "/emails",
    "/suppressions",
    "/suppressions/new",
    "/suppressions/import",
    "/domains",
    "/domains/new",
    "/smtp-accounts",
    "/smtp-accounts/new",
    "/smtp-settings",
    "/sending",
    "/sub-accounts",
    "/billing",
    "/billing/plan",
    "/billing/buy",
    "/billing/wallet",
    "/billing/invoices",
    "/billing/ledger",
    "/billing/allocation",
    "/billing/prices",
    "/billing/margins",
    "/password",
)
CONSOLE = ("/", "/resellers/new", "/queue", "/invoices", "/password")


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_of_the_portal_fits_and_complains_of_nothing(
    agency: Agency, open_page: OpenPage, viewport: dict[str, int], scheme: str
) -> None:
    message = send(
        agency.main, "A subject that is " + "very " * 40 + "long", rcpt_to=("a" * 60 + "@example.org",)
    )[0]
    deliver(bounced)
    page = open_page(agency.portal, agency.main.owner, viewport=viewport, scheme=scheme)
    for path in (*PORTAL, f"/emails/{message}.0", f"/domains/{agency.main.domain}"):
        page.goto(path)
        assert overflow(page) <= 0, path
        assert page.get_attribute("html", "data-bs-theme") == scheme


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_every_page_of_the_console_fits_and_complains_of_nothing(
    agency: Agency, open_page: OpenPage, viewport: dict[str, int]
) -> None:
    email = f"ada@{agency.ref.key}.example"
    add_staff(db.session(), email, "Ada", PASSWORD)
    db.session.commit()
    page = open_page(settings().platform_host, email, viewport=viewport)
    for path in (*CONSOLE, f"/resellers/{agency.ref.key}/suspend"):
        page.goto(path)
        assert overflow(page) <= 0, path


def test_the_light_is_chosen_once_and_kept(agency: Agency, open_page: OpenPage) -> None:
    page = open_page(agency.portal, agency.main.owner, scheme="light")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("[data-theme-choice=dark]")
    page.goto("/emails")
    assert page.get_attribute("html", "data-bs-theme") == "dark"
    assert page.get_attribute("[data-theme-choice=dark]", "aria-pressed") == "true"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light


def test_a_copy_button_copies_exactly_what_stands_beside_it(agency: Agency, open_page: OpenPage) -> None:
    page = open_page(agency.portal, agency.main.owner)
    page.goto("/smtp-settings")
    page.click("dl.settings .copy >> nth=0")
    page.wait_for_selector(".copy.copied")
    assert page.evaluate("navigator.clipboard.readText()") == f"smtp.{agency.ref.key}.localhost"
    page.click("#tab-django")
    page.click("#panel-django .copy")
    page.wait_for_selector("#panel-django .copy.copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.text_content("#code-django")


def test_a_question_comes_as_a_dialog_and_no_means_no(agency: Agency, open_page: OpenPage) -> None:
    page = open_page(agency.portal, agency.main.owner)
    page.goto("/smtp-accounts")
    page.click(f"a[href$='/{agency.main.smtp_account}/delete']")
    page.wait_for_selector("dialog[open]")
    page.click("dialog[open] [data-close]")
    page.wait_for_selector("dialog[open]", state="detached")
    assert page.url.endswith("/smtp-accounts")
    page.click(f"a[href$='/{agency.main.smtp_account}/delete']")
    page.click("dialog[open] button[type=submit]")
    page.wait_for_selector("text=No SMTP accounts yet")


def test_the_list_narrows_while_one_types(agency: Agency, open_page: OpenPage) -> None:
    send(agency.main, "Invoice", "Welcome")
    page = open_page(agency.portal, agency.main.owner)
    page.goto("/emails")
    page.locator("#search").press_sequentially("invo")
    page.wait_for_selector("text=Welcome", state="detached")
    assert page.is_visible("text=Invoice")
    assert "q=invo" in page.url
    page.fill("#search", "")
    page.wait_for_selector("text=Welcome")


def test_back_after_a_search_brings_the_whole_page_back(agency: Agency, open_page: OpenPage) -> None:
    send(agency.main, "Invoice", "Welcome")
    page = open_page(agency.portal, agency.main.owner)
    page.goto("/emails")
    page.select_option("select[name=state]", "bounced")
    page.wait_for_selector("text=Nothing found")
    page.go_back()
    page.wait_for_selector("text=Welcome")
    assert page.locator("#side").count() == 1


def test_a_new_email_appears_without_a_reload(agency: Agency, open_page: OpenPage) -> None:
    page = open_page(agency.portal, agency.main.owner)
    page.goto("/emails")
    assert page.is_visible("text=No e-mails yet")
    send(agency.main, "Fresh from the relay")
    page.wait_for_selector("text=Fresh from the relay", timeout=15_000)


def test_on_a_phone_the_menu_opens_and_leads_on(agency: Agency, open_page: OpenPage) -> None:
    page = open_page(agency.portal, agency.main.owner, viewport=PHONE)
    assert not page.is_visible("#side")
    page.click("[data-menu]")
    page.click("#side >> text=Domains")
    page.wait_for_url("**/domains")
    assert page.is_visible(f"main >> text={agency.main.domain_name}")


def test_signing_out_is_one_click(agency: Agency, open_page: OpenPage) -> None:
    page = open_page(agency.portal, agency.main.owner)
    page.click("text=Sign out")
    page.wait_for_url("**/login")
    page.goto("/emails")
    assert "/login" in page.url
