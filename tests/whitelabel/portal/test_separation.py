"""Who sees what: a customer its own account, a reseller its own rows, a member everything and changes nothing."""

import pytest
from werkzeug.test import TestResponse

from platform_core.database import tenant_session
from tenants.domains.queries import the_domain
from tenants.models import SmtpAccount
from tests.fixtures_web import Agency, Tenant, Visitor, send
from whitelabel.hosts import HostDispatcher


def paths_into(tenant: Tenant) -> dict[str, list[str]]:
    """Every address that names something of this account, by method."""
    message = send(tenant, "For my eyes only")[0]
    domain, login = f"/domains/{tenant.domain}", f"/smtp-accounts/{tenant.smtp_account}"
    return {
        "GET": [f"/emails/{message}.0", domain, f"{domain}/remove", f"{login}/rotate", f"{login}/delete"],
        "POST": [
            *(f"{domain}/{verb}" for verb in ("check", "remove")),
            *(f"{login}/{verb}" for verb in ("rotate", "delete", "suspend", "resume")),
        ],
    }


def ask_all(visitor: Visitor, paths: dict[str, list[str]]) -> list[TestResponse]:
    return [
        *(visitor.get(path) for path in paths["GET"]),
        *(visitor.post(path) for path in paths["POST"]),
    ]


def test_a_customers_things_do_not_exist_for_another_customer(
    web: HostDispatcher, agency: Agency, customer: Visitor
) -> None:
    answers = ask_all(customer, paths_into(agency.other))
    assert {answer.status_code for answer in answers} == {404}
    assert not any(agency.other.domain_name in answer.text for answer in answers)


def test_a_customers_things_are_not_the_resellers_own(agency: Agency, owner: Visitor) -> None:
    assert {answer.status_code for answer in ask_all(owner, paths_into(agency.customer))} == {404}


def test_the_resellers_things_do_not_exist_for_a_customer(agency: Agency, customer: Visitor) -> None:
    assert {answer.status_code for answer in ask_all(customer, paths_into(agency.main))} == {404}


def test_one_resellers_things_do_not_exist_at_another(
    web: HostDispatcher, agency: Agency, make_agency, owner: Visitor
) -> None:
    other: Agency = make_agency("Bluebird Post")
    before = _smtp_account(other.main)
    # The ids of both resellers count from 1 each, so that another's id may well be one's own: only the message's is unique.
    message = paths_into(other.main)["GET"][0]
    assert owner.get(message).status_code == 404
    assert _smtp_account(other.main) == before


def test_lists_hold_what_is_ones_own_and_nothing_else(agency: Agency, customer: Visitor) -> None:
    for tenant, subject in ((agency.main, "Main"), (agency.customer, "Mine"), (agency.other, "Others")):
        send(tenant, f"{subject} subject")
    pages = [
        customer.get(path).text for path in ("/", "/emails", "/domains", "/smtp-accounts", "/smtp-settings")
    ]
    everything = "".join(pages)
    assert "Mine subject" in everything and agency.customer.domain_name in everything
    for tenant, subject in ((agency.main, "Main"), (agency.other, "Others")):
        assert f"{subject} subject" not in everything
        assert tenant.domain_name not in everything
        assert tenant.user_name not in everything


def test_to_a_customer_there_are_no_sub_accounts(customer: Visitor) -> None:
    assert customer.get("/sub-accounts").status_code == 404
    assert "ub-account" not in customer.get("/").text


def test_a_member_looks_at_everything(web: HostDispatcher, agency: Agency) -> None:
    member = Visitor(web, agency.portal).log_in(agency.customer.member)
    for path in (
        "/",
        "/emails",
        "/domains",
        f"/domains/{agency.customer.domain}",
        "/smtp-accounts",
        "/smtp-settings",
    ):
        assert member.get(path).status_code == 200


@pytest.mark.parametrize("verb", ["rotate", "delete", "suspend", "resume"])
def test_a_member_changes_no_smtp_account(web: HostDispatcher, agency: Agency, verb: str) -> None:
    member = Visitor(web, agency.portal).log_in(agency.customer.member)
    before = _smtp_account(agency.customer)
    assert member.post(f"/smtp-accounts/{agency.customer.smtp_account}/{verb}").status_code == 403
    assert _smtp_account(agency.customer) == before


def test_a_member_makes_and_removes_nothing(web: HostDispatcher, agency: Agency) -> None:
    member = Visitor(web, agency.portal).log_in(agency.customer.member)
    domain = f"/domains/{agency.customer.domain}/remove"
    for path in ("/smtp-accounts/new", "/domains/new", domain):
        assert member.get(path).status_code == 403
        assert member.post(path, {"name": "new.example"}).status_code == 403
    with tenant_session(agency.ref) as session:
        assert the_domain(session, agency.customer.domain).name == agency.customer.domain_name


def test_a_member_sees_no_buttons_for_what_it_may_not_do(web: HostDispatcher, agency: Agency) -> None:
    member = Visitor(web, agency.portal).log_in(agency.customer.member)
    pages = "".join(
        member.get(path).text for path in ("/smtp-accounts", "/domains", f"/domains/{agency.customer.domain}")
    )
    for address in ("/new", "/rotate", "/delete", "/suspend", "/remove"):
        assert address not in pages


def _smtp_account(tenant: Tenant) -> tuple[str, bytes]:
    with tenant_session(tenant.reseller) as session:
        found = session.get(SmtpAccount, tenant.smtp_account)
        assert found is not None
        return found.state, found.verifier
