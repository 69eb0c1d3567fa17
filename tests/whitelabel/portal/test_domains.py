"""Domains in the portal: the records to publish, and what was found of them."""

import re
from collections.abc import Iterator

import pytest

from platform_core.database import tenant_session
from platform_dev.nameserver import Nameserver
from tenants.domains.queries import domains_of, record_statuses, the_domain
from tenants.domains.records import Purpose
from tests.fixtures_web import Agency, Visitor, sites_with


@pytest.fixture
def nameserver() -> Iterator[Nameserver]:
    with Nameserver() as nameserver:
        yield nameserver


@pytest.fixture
def asker(agency: Agency, nameserver: Nameserver) -> Iterator[Visitor]:
    """The customer's owner at a portal that asks our nameserver."""
    with sites_with(nameservers=(nameserver.address,)) as sites:
        yield Visitor(sites, agency.portal).log_in(agency.customer.owner)


def dkim_record(agency: Agency) -> tuple[str, str]:
    """Name and value of the DKIM record that the customer is to publish."""
    with tenant_session(agency.ref) as session:
        statuses = record_statuses(the_domain(session, agency.customer.domain), None)
    return next((one.record.host, one.record.value) for one in statuses if one.record.purpose is Purpose.DKIM)


def test_a_new_domain_shows_what_to_publish(agency: Agency, customer: Visitor) -> None:
    answer = customer.post("/domains/new", {"name": "Shop.Example."})
    assert answer.status_code == 302
    page = customer.get(answer.headers["Location"]).text
    for text in (
        "v=DKIM1; k=rsa; p=",
        "rp.shop.example",
        "_dmarc.shop.example",
    ):
        assert text in page
    assert re.search(r"s1-[a-z0-9]{4}\._domainkey\.shop\.example", page)
    assert "Not verified" in page and "Not checked yet" in page


@pytest.mark.parametrize("name", ["", "localhost", "192.0.2.1", "a b.example", "<b>.example", "x" * 300])
def test_what_is_no_domain_is_refused_beside_the_field(agency: Agency, customer: Visitor, name: str) -> None:
    answer = customer.post("/domains/new", {"name": name})
    assert answer.status_code == 422
    assert "field-error" in answer.text
    assert "<b>" not in answer.text


def test_a_domain_can_be_added_once(agency: Agency, customer: Visitor) -> None:
    answer = customer.post("/domains/new", {"name": agency.customer.domain_name})
    assert answer.status_code == 422
    assert "already" in answer.text


def test_removing_is_asked_first_and_then_done(agency: Agency, customer: Visitor) -> None:
    path = f"/domains/{agency.customer.domain}/remove"
    assert agency.customer.domain_name in customer.get(path).text
    assert customer.post(path).status_code == 302
    with tenant_session(agency.ref) as session:
        assert domains_of(session, agency.customer.id) == []
    assert "No domains yet" in customer.get("/domains").text


def test_a_published_record_is_found_and_the_domain_may_send(
    agency: Agency, nameserver: Nameserver, asker: Visitor
) -> None:
    host, value = dkim_record(agency)
    nameserver.records.set(host, "TXT", value)
    answer = asker.post(f"/domains/{agency.customer.domain}/check")
    assert answer.status_code == 302
    page = asker.get(answer.headers["Location"]).text
    assert "E-mail may be sent from this domain." in page
    assert "The DKIM key is published." in page
    assert "Verified" in asker.get("/domains").text


def test_a_record_that_is_missing_is_said_in_plain_words(agency: Agency, asker: Visitor) -> None:
    asker.post(f"/domains/{agency.customer.domain}/check")
    page = asker.get(f"/domains/{agency.customer.domain}").text
    assert "There is no TXT record at" in page
    assert "Not found" in page


def test_what_strangers_publish_is_shown_as_text(
    agency: Agency, nameserver: Nameserver, asker: Visitor
) -> None:
    nameserver.records.set(dkim_record(agency)[0], "TXT", "<img src=x onerror=alert(1)>")
    asker.post(f"/domains/{agency.customer.domain}/check")
    page = asker.get(f"/domains/{agency.customer.domain}").text
    assert "<img" not in page
    assert "&lt;img" in page


def test_a_silent_nameserver_changes_nothing(agency: Agency, customer: Visitor) -> None:
    with sites_with(nameservers=("127.0.0.1:1",)) as sites:
        asker = Visitor(sites, agency.portal).log_in(agency.customer.owner)
        asker.post(f"/domains/{agency.customer.domain}/check")
        assert "No answer" in asker.get(f"/domains/{agency.customer.domain}").text


def test_htmx_gets_the_records_alone(agency: Agency, asker: Visitor) -> None:
    token = asker.token()
    part = asker.client.post(
        f"/domains/{agency.customer.domain}/check",
        base_url=f"http://{agency.portal}",
        headers={"HX-Request": "true", "X-CSRFToken": token},
    )
    assert part.status_code == 200
    assert "DNS records" in part.text and "<html" not in part.text


def test_nobody_keeps_the_nameservers_busy_for_long(agency: Agency, asker: Visitor) -> None:
    path = f"/domains/{agency.customer.domain}/check"
    statuses = [asker.post(path).status_code for _ in range(12)]
    assert statuses == [302] * 10 + [429] * 2
