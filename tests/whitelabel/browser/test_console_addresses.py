"""The console's pages of addresses in a browser: they fit a phone, in both lights, and complain of nothing."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from platform_core.clock import SystemClock
from platform_core.database import db
from platform_core.settings import settings
from relay_worker.addresses.pools.services import create_pool
from relay_worker.addresses.services import NewAddress, add_address
from tenants.users.services import add_staff
from tests.fixtures_web import PASSWORD, Agency
from tests.relay_worker.queue.desk import owner_connection
from tests.whitelabel.browser.conftest import PHONE, WIDE, OpenPage
from tests.whitelabel.browser.test_pages import overflow


@pytest.fixture
def ip_id(agency: Agency) -> Iterator[int]:
    """An address with everything that there can be to show."""
    with owner_connection() as connection:
        connection.execute("TRUNCATE platform.ip_pool CASCADE")
    rows, clock = db.session(), SystemClock()
    warm = create_pool(rows, "warm", actor="tests", is_default=True)
    rows.flush()
    own = create_pool(rows, "dedicated-to-an-agency", actor="tests", reseller=agency.ref, fallback=warm)
    long_name = "outgoing-mail-transfer-agent-17.bounces.example.net"
    new = NewAddress("2001:db8:1234:5678:9abc:def0:1234:5678", long_name)
    shown = add_address(rows, own, new, clock=clock, actor="tests")
    plain = NewAddress("192.0.2.1", "mta1.example.net", warm_up=False)
    add_address(rows, warm, plain, clock=clock, actor="tests")
    shown.listings, shown.standing, shown.ptr_state = (
        ["zen.spamhaus.org", "bl.spamcop.net"],
        "stopped",
        "missing",
    )
    rows.commit()
    ip_id, now = shown.id, clock.now()
    with owner_connection() as connection:
        for days in range(1, 8):
            connection.execute(
                "INSERT INTO platform.ip_warmup_day VALUES (%s, 'google', %s, %s, 200, 190, 'throttled')",
                (ip_id, (now - timedelta(days=days)).date(), days),
            )
        for hours in range(20):
            connection.execute(
                "INSERT INTO platform.ip_result VALUES (%s, 'google', date_trunc('hour', %s::timestamptz), 1000, 20, 30, 40, 50, 2)",
                (ip_id, now - timedelta(hours=hours)),
            )
    yield ip_id
    rows.rollback()
    with owner_connection() as connection:
        connection.execute("TRUNCATE platform.ip_pool CASCADE")


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_of_addresses_fit(
    agency: Agency, ip_id: int, open_page: OpenPage, viewport: dict[str, int], scheme: str
) -> None:
    email = f"ada@{agency.ref.key}.example"
    add_staff(db.session(), email, "Ada", PASSWORD)
    db.session.commit()
    page = open_page(settings().platform_host, email, viewport=viewport, scheme=scheme)
    for path in "", "/new", "/pools/new", f"/{ip_id}", f"/{ip_id}/pause":
        page.goto(f"/addresses{path}")
        assert overflow(page) <= 0, path
