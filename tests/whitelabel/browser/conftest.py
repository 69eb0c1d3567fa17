"""A real browser against a real server on loopback; every page must come without an error in its console."""

import shutil
import threading
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright
from werkzeug.serving import make_server

from tests.fixtures_web import PASSWORD
from whitelabel.hosts import HostDispatcher

WIDE = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; its own sandbox needs rights that root in a container does not have.

    Not longer than the module: as long as Playwright runs, this thread has a running event loop, which would be in the
    way of other modules' tests.
    """
    path = shutil.which("chromium")
    assert path, "Chromium is not installed: run `make setup` as root, or install the package chromium."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def port(web: HostDispatcher) -> Iterator[int]:
    """Where the whole web answers. Chromium itself leads *.localhost to loopback."""
    server = make_server("127.0.0.1", 0, web, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, port: int) -> Iterator[OpenPage]:
    """A factory of pages at a host, logged in where an address is given. Fails the test when a page complained."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(f"{message.location}: {message.text}")

    def open_(host: str, email: str = "", *, viewport: dict[str, int] = WIDE, scheme: str = "light") -> Page:
        context = browser.new_context(
            base_url=f"http://{host}:{port}",
            viewport=viewport,  # type: ignore[arg-type]
            color_scheme=scheme,  # type: ignore[arg-type]
            permissions=["clipboard-read", "clipboard-write"],
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", listen)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if email:
            page.goto("/login")
            page.fill("#email", email)
            page.fill("#password", PASSWORD)
            page.click("form button[type=submit]")
            page.wait_for_url(f"http://{host}:{port}/")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not complaints
