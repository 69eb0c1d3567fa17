"""Held mail in the portal: the choice, the list, letting go and discarding, each for whom it is meant."""

import pytest
from sqlalchemy import text

from billing.ledger.services import grant_credits
from platform_core.clock import SystemClock
from platform_core.database import tenant_session
from relay_worker.queue.door import Verdict
from tenants.models import Account, SmtpAccount
from tests.fixtures_web import Agency, Tenant, Visitor, send
from whitelabel.hosts import HostDispatcher


def hold(tenant: Tenant, *subjects: str) -> list[str]:
    """Have these held: the account has nothing left, and chose so."""
    with tenant_session(tenant.reseller) as session:
        found = session.get_one(Account, tenant.id)
        found.at_quota_end, found.monthly_cap = "hold", 0
        session.commit()
    return [str(one) for one in send(tenant, *subjects, verdict=Verdict.HELD)]


def states(tenant: Tenant) -> list[str]:
    with tenant_session(tenant.reseller) as session:
        found = session.execute(
            text("SELECT state FROM recipient WHERE account_id = :id ORDER BY message_id"), {"id": tenant.id}
        )
        return [row.state for row in found]


def test_an_owner_chooses_and_the_choice_counts_from_the_next_message(
    agency: Agency, customer: Visitor
) -> None:
    path = f"/held/{agency.customer.id}/choice"
    assert customer.post(path, {"hold": "1"}).status_code == 302
    with tenant_session(agency.ref) as session:
        assert session.get_one(Account, agency.customer.id).at_quota_end == "hold"
    assert "Refuse it instead" in customer.get("/held").text
    customer.post(path)
    assert "Hold it instead" in customer.get("/held").text


def test_held_mail_is_listed_and_shown_as_held_among_the_emails(agency: Agency, customer: Visitor) -> None:
    hold(agency.customer, "Invoice <b>7</b>")
    assert "Invoice &lt;b&gt;7&lt;/b&gt;" in customer.get("/held").text
    assert "Held</span>" in customer.get("/emails?state=held").text


def test_what_quota_covers_is_sent_and_the_rest_stays(agency: Agency, customer: Visitor) -> None:
    hold(agency.customer, "One", "Two")
    path = f"/held/{agency.customer.id}/release"
    customer.post(path)
    assert states(agency.customer) == ["held", "held"]
    with tenant_session(agency.ref) as session:
        session.get_one(Account, agency.customer.id).monthly_cap = 1
        session.commit()
    customer.post(path)
    assert states(agency.customer) == ["queued", "held"]


def test_one_or_all_are_discarded_after_a_question(agency: Agency, customer: Visitor) -> None:
    first, *_ = sorted(hold(agency.customer, "One", "Two", "Three"))
    one = f"/held/{agency.customer.id}/{first}/discard"
    assert "Discard this e-mail?" in customer.get(one).text
    assert states(agency.customer) == ["held"] * 3
    customer.post(one)
    assert states(agency.customer) == ["dropped", "held", "held"]
    customer.post(f"/held/{agency.customer.id}/discard")
    assert states(agency.customer) == ["dropped"] * 3


def test_a_reseller_sees_and_releases_its_customers_held_mail(agency: Agency, owner: Visitor) -> None:
    hold(agency.customer, "One")
    assert "Contoso Shop" in owner.get("/held").text
    assert "One" in owner.get(f"/held/{agency.customer.id}").text
    owner.post(f"/held/{agency.customer.id}/discard")
    assert states(agency.customer) == ["dropped"]


@pytest.mark.parametrize("verb", ["", "/release", "/discard", "/choice"])
def test_a_customer_reaches_no_other_accounts_mail(agency: Agency, customer: Visitor, verb: str) -> None:
    hold(agency.other, "Secret")
    path = f"/held/{agency.other.id}{verb}"
    answer = customer.post(path) if verb else customer.get(path)
    assert answer.status_code == 404
    assert "Secret" not in customer.get("/held").text
    assert states(agency.other) == ["held"]


def test_a_member_may_look_and_not_touch(web: HostDispatcher, agency: Agency) -> None:
    hold(agency.customer, "One")
    member = Visitor(web, agency.portal).log_in(agency.customer.member)
    assert "One" in member.get("/held").text
    assert member.post(f"/held/{agency.customer.id}/discard").status_code == 403


def test_a_top_up_is_heard_of_after_its_commit(agency: Agency) -> None:
    from tenants.accounts.signals import quota_grew

    heard: list[object] = []

    def hear(sender: object, account_id: int) -> None:
        heard.append((sender, account_id))

    hold(agency.customer, "One")
    with quota_grew.connected_to(hear), tenant_session(agency.ref) as session:
        account = session.get_one(Account, agency.customer.id)
        grant_credits(session, account, 5, clock=SystemClock())
        assert heard == []
        session.commit()
        assert heard == [(agency.ref, agency.customer.id)]
        assert session.get(SmtpAccount, agency.customer.smtp_account) is not None
