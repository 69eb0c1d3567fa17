"""Suppressions in the portal: list, search, add, remove, import, export."""

from collections.abc import Iterable
from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse

from platform_core.clock import SystemClock
from platform_core.database import tenant_session
from platform_core.mail.states import SuppressionReason
from relay_worker.suppressions.queries import suppressions_of
from relay_worker.suppressions.services import suppress
from tests.fixtures_web import Agency, Tenant, Visitor
from whitelabel.hosts import HostDispatcher

COMPLAINT = SuppressionReason.COMPLAINT


def put(tenant: Tenant, *addresses: str, reason: SuppressionReason = SuppressionReason.MANUAL) -> None:
    with tenant_session(tenant.reseller) as session:
        for address in addresses:
            suppress(session, tenant.id, address, clock=SystemClock(), reason=reason)
        session.commit()


def kept(tenant: Tenant) -> dict[str, str]:
    with tenant_session(tenant.reseller) as session:
        return {one.address: one.reason for one in suppressions_of(session, tenant.id).lines}


def bring(visitor: Visitor, content: bytes, **form: str) -> TestResponse:
    """Upload a list. As bytes: the test client leaves the temporary file of a large form open."""
    fields = [
        (f'name="{name}"', value.encode()) for name, value in {"csrf_token": visitor.token(), **form}.items()
    ]
    fields.append(('name="file"; filename="list.csv"', content))
    parts = (
        b"--cut\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (head.encode(), value)
        for head, value in fields
    )
    body = b"".join((*parts, b"--cut--\r\n"))
    return visitor._open(
        "POST", "/suppressions/import", data=body, content_type="multipart/form-data; boundary=cut"
    )


def shown(page: TestResponse, addresses: Iterable[str]) -> list[str]:
    return [address for address in addresses if address in page.text]


def test_the_list_shows_each_address_with_its_reason(agency: Agency, customer: Visitor) -> None:
    put(agency.customer, "ann@one.example", reason=COMPLAINT)
    page = customer.get("/suppressions")
    assert "ann@one.example" in page.text
    assert "Reported as spam" in page.text.partition("<tbody>")[2]


def test_another_accounts_addresses_are_not_there(agency: Agency, customer: Visitor) -> None:
    put(agency.other, "ann@one.example")
    assert "ann@one.example" not in customer.get("/suppressions").text
    assert customer.get("/suppressions/remove/ann@one.example").status_code == 404
    assert "ann@one.example" not in customer.get("/suppressions/export").text


def test_search_and_reason_narrow_the_list(agency: Agency, customer: Visitor) -> None:
    put(agency.customer, "ann@one.example", "bob@two.example")
    put(agency.customer, "eve@two.example", reason=COMPLAINT)
    every = ("ann@one.example", "bob@two.example", "eve@two.example")
    assert shown(customer.get("/suppressions?q=TWO"), every) == list(every[1:])
    assert shown(customer.get("/suppressions?q=two&reason=complaint"), every) == ["eve@two.example"]
    assert shown(customer.get("/suppressions?reason=nonsense"), every) == list(every)


def test_the_export_goes_by_the_filter_that_is_shown(agency: Agency, customer: Visitor) -> None:
    put(agency.customer, "ann@one.example")
    put(agency.customer, "eve@one.example", reason=COMPLAINT)
    part = customer.get("/suppressions?reason=complaint", HX_Request="true").text
    assert 'href="/suppressions/export?reason=complaint"' in part
    out = customer.get("/suppressions/export?reason=complaint").text
    assert ("eve@one.example" in out, "ann@one.example" in out) == (True, False)


def test_older_pages_show_every_address_once(agency: Agency, customer: Visitor) -> None:
    every = [f"n{n:03}@one.example" for n in range(120)]
    put(agency.customer, *every)
    seen, path = [], "/suppressions"
    while path:
        page = customer.get(path, HX_Request="true")
        seen += shown(page, every)
        _, _, rest = page.text.partition("before=")
        path = f"/suppressions?before={rest.partition(chr(34))[0]}" if rest else ""
    assert sorted(seen) == every


def test_an_address_is_added_as_acceptance_looks_it_up(agency: Agency, customer: Visitor) -> None:
    assert customer.post("/suppressions/new", {"address": " Ann@ONE.example"}).status_code == 302
    assert kept(agency.customer) == {"ann@one.example": "manual"}


@pytest.mark.parametrize("address", ["", "nobody", "ann@one.example"])
def test_what_can_not_be_added_is_refused_beside_the_field(
    agency: Agency, customer: Visitor, address: str
) -> None:
    put(agency.customer, "ann@one.example")
    answer = customer.post("/suppressions/new", {"address": address})
    assert answer.status_code == 422
    assert "field-error" in answer.text


@pytest.mark.parametrize("address", ["ann@one.example", "a/b?c#d%e@one.example", '"a b"@one.example'])
def test_an_address_is_removed_after_a_question(agency: Agency, customer: Visitor, address: str) -> None:
    put(agency.customer, address)
    path = f"/suppressions/remove/{quote(address)}"
    assert customer.get(path).status_code == 200
    assert kept(agency.customer) == {address: "manual"}
    assert customer.post(path).status_code == 302
    assert kept(agency.customer) == {}


def test_before_a_complaint_is_lifted_the_owner_is_warned(agency: Agency, customer: Visitor) -> None:
    put(agency.customer, "ann@one.example", reason=COMPLAINT)
    question = customer.get("/suppressions/remove/ann@one.example")
    assert "harms your reputation" in question.text
    assert "btn-danger" in question.text


def test_a_list_is_imported_whole(agency: Agency, customer: Visitor) -> None:
    put(agency.customer, "old@one.example", reason=COMPLAINT)
    answer = bring(customer, b"address,reason\nnew@one.example,unsubscribe\nold@one.example\n")
    assert answer.status_code == 302
    assert kept(agency.customer) == {"new@one.example": "unsubscribe", "old@one.example": "complaint"}
    assert "1 address is suppressed from now on." in customer.get("/suppressions").text


def test_ten_thousand_lines_are_imported_and_exported(agency: Agency, customer: Visitor) -> None:
    every = [f"somebody.with.a.long.name.{n:05}@a-long-domain-name.example" for n in range(10_000)]
    content = "\r\n".join(every).encode()
    assert len(content) > 262_144  # more than any other form may have
    assert bring(customer, content).status_code == 302
    out = customer.get("/suppressions/export")
    assert out.headers["Content-Disposition"] == 'attachment; filename="suppressions.csv"'
    assert [line.partition(",")[0] for line in out.text.split("\r\n")[1:-1]] == every


def test_a_bad_line_keeps_all_from_being_imported_unless_it_is_to_be_left_out(
    agency: Agency, customer: Visitor
) -> None:
    content = b"ann@one.example\nnobody\n"
    answer = bring(customer, content)
    assert answer.status_code == 422
    assert "Line 2: &#39;nobody&#39; is not an address" in answer.text
    assert kept(agency.customer) == {}
    assert bring(customer, content, skip_bad="y").status_code == 302
    assert list(kept(agency.customer)) == ["ann@one.example"]


def test_no_file_and_too_large_a_file_are_refused(agency: Agency, customer: Visitor) -> None:
    assert customer.post("/suppressions/import").status_code == 422
    assert bring(customer, b"x" * (10 * 1024 * 1024 + 1)).status_code == 422
    assert bring(customer, b"x" * (11 * 1024 * 1024)).status_code == 413


def test_other_forms_stay_small(customer: Visitor) -> None:
    answer = customer.post("/suppressions/new", {"address": "x" * 300_000})
    assert answer.status_code == 413


def test_members_look_and_export_and_change_nothing(web: HostDispatcher, agency: Agency) -> None:
    member = Visitor(web, agency.portal).log_in(agency.customer.member)
    put(agency.customer, "ann@one.example")
    assert "ann@one.example" in member.get("/suppressions").text
    assert member.get("/suppressions/export").status_code == 200
    for path in ("new", "import", "remove/ann@one.example"):
        assert member.post(f"/suppressions/{path}").status_code == 403
        assert f"/suppressions/{path}" not in member.get("/suppressions").text
