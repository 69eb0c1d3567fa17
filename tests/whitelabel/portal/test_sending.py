"""The sending page: an account's choices, and the reseller's own signature."""

import pytest

from platform_core.database import tenant_session
from tenants.accounts.queries import account_by_id
from tenants.accounts.services import MailChoices, mail_choices
from tenants.models import DomainState
from tenants.resellers.signing_domain import find_signing_domain, signing_record
from tests.fixtures_web import Agency, Visitor
from whitelabel.hosts import HostDispatcher


def choices_of(agency: Agency) -> MailChoices:
    with tenant_session(agency.ref) as session:
        return mail_choices(account_by_id(session, agency.customer.id))


def signing_domain_of(agency: Agency) -> str | None:
    with tenant_session(agency.ref) as session:
        found = find_signing_domain(session)
        return found and found.name


def test_an_owner_chooses_and_the_page_shows_it(agency: Agency, customer: Visitor) -> None:
    answer = customer.post("/sending", {"list_unsubscribe": "y", "require_tls": "y"})
    assert answer.status_code == 302
    chosen = choices_of(agency)
    assert (chosen.list_unsubscribe, chosen.require_tls, chosen.keep_bodies) == (True, True, False)
    page = customer.get("/sending").text
    assert page.count(" checked") == 2
    assert "Saved." in page


def test_what_is_not_offered_is_not_changed(agency: Agency, customer: Visitor) -> None:
    customer.post("/sending", {"keep_bodies": "y", "at_quota_end": "hold", "held_limit": "1"})
    chosen = choices_of(agency)
    assert (chosen.at_quota_end, chosen.held_limit) == ("refuse", 10_000)


def test_a_customer_sees_nothing_of_the_resellers_signature(agency: Agency, customer: Visitor) -> None:
    assert "signing-domain" not in customer.get("/sending").text
    assert customer.post("/sending/signing-domain", {"name": "agency.example"}).status_code == 403
    assert customer.post("/sending/signing-domain/check").status_code == 403
    assert customer.get("/sending/signing-domain/remove").status_code == 403
    assert signing_domain_of(agency) is None


def test_the_reseller_sets_a_domain_and_is_shown_its_record(agency: Agency, owner: Visitor) -> None:
    owner.post("/sending/signing-domain", {"name": "Mail.agency.example"})
    with tenant_session(agency.ref) as session:
        found = find_signing_domain(session)
        assert found is not None
        record = signing_record(found).record
    page = owner.get("/sending").text
    assert record.host in page and record.value in page
    assert "Waits for its record" in page


def test_a_domain_that_can_not_be_is_refused_beside_the_field(agency: Agency, owner: Visitor) -> None:
    answer = owner.post("/sending/signing-domain", {"name": "not a domain"})
    assert answer.status_code == 422
    assert "field-error" in answer.text


def test_once_found_it_is_said_to_sign(agency: Agency, owner: Visitor) -> None:
    owner.post("/sending/signing-domain", {"name": "agency.example"})
    with tenant_session(agency.ref) as session:
        find_signing_domain(session).state = DomainState.VERIFIED  # type: ignore[union-attr]
        session.commit()
    assert ">Signs<" in owner.get("/sending").text


def test_it_is_removed_when_that_is_confirmed(agency: Agency, owner: Visitor) -> None:
    owner.post("/sending/signing-domain", {"name": "agency.example"})
    assert owner.get("/sending/signing-domain/remove").status_code == 200
    assert signing_domain_of(agency) == "agency.example"
    owner.post("/sending/signing-domain/remove")
    assert signing_domain_of(agency) is None


@pytest.mark.parametrize("path", ["/sending", "/sending/signing-domain"])
def test_a_member_may_look_and_not_choose(web: HostDispatcher, agency: Agency, path: str) -> None:
    member = Visitor(web, agency.portal).log_in(agency.main.member)
    assert "Save" not in member.get("/sending").text
    assert member.post(path, {"name": "a.example"}).status_code == 403
