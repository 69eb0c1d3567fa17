"""The billing pages of the portal: for whom each is, what it shows, and what its buttons do."""

from uuid import uuid4

import pytest

from billing.invoices.profiles.services import set_profile, set_terms
from billing.invoices.services import issue_invoice
from billing.ledger.queries import credits_left, entries_of
from billing.money import Money
from billing.payments.queries import ip_price_of
from billing.plans.catalogue import NewPlan, create_plan
from billing.plans.queries import current_plan
from billing.prices.queries import price_of
from billing.prices.services import set_price
from billing.rentals.services import begin_rental
from billing.wallet.services import WalletReason, credit_wallet
from platform_core.clock import SystemClock
from platform_core.database import tenant_session
from tenants.models import Account
from tests.billing.invoices.papers import GRAZ, LYON, TERMS, VIENNA, draft
from tests.billing.rentals.asking import ask_for_handing_on
from tests.fixtures_web import Agency, Tenant, Visitor
from whitelabel.hosts import HostDispatcher

FOR_ALL = ("", "/plan", "/buy", "/wallet", "/invoices", "/ledger")
FOR_RESELLERS = ("/allocation", "/prices", "/margins")


def credits_of(tenant: Tenant) -> int:
    with tenant_session(tenant.reseller) as session:
        return credits_left(session, tenant.id, SystemClock().now())


def put_money(tenant: Tenant, minor_units: int) -> None:
    with tenant_session(tenant.reseller) as session:
        account = session.get_one(Account, tenant.id)
        money = Money(minor_units, "EUR")
        credit_wallet(
            session,
            account,
            money,
            reason=WalletReason.PAID_IN,
            reference=f"{minor_units}",
            clock=SystemClock(),
        )
        session.commit()


def offer(agency: Agency, name: str, price: int, *, trial_days: int = 0) -> int:
    with tenant_session(agency.ref) as session:
        plan = create_plan(session, NewPlan(name, Money(price, "EUR"), 5000, trial_days))
        session.commit()
        return plan.id


def list_price(agency: Agency, minor_units: int) -> None:
    with tenant_session(agency.ref) as session:
        main = session.get_one(Account, agency.main.id)
        set_price(session, main, Money(minor_units, "EUR"), clock=SystemClock())
        session.commit()


@pytest.mark.parametrize("page", FOR_ALL)
def test_everybody_sees_pages_about_their_own_account(owner: Visitor, customer: Visitor, page: str) -> None:
    assert owner.get(f"/billing{page}").status_code == 200
    assert customer.get(f"/billing{page}").status_code == 200


@pytest.mark.parametrize("page", FOR_RESELLERS)
def test_what_is_for_resellers_is_not_there_for_customers(
    owner: Visitor, customer: Visitor, page: str
) -> None:
    assert owner.get(f"/billing{page}").status_code == 200
    assert customer.get(f"/billing{page}").status_code == 404
    assert f"/billing{page}" not in customer.get("/billing").text


def test_without_a_payment_service_nothing_speaks_of_cards_but_how_to_pay(customer: Visitor) -> None:
    assert "Cards can't be used here yet" in customer.get("/billing/buy").text
    assert "/billing/cards" not in customer.get("/billing").text
    assert customer.get("/billing/cards").status_code == 404


def test_the_balance_shows_lots_with_their_end_and_a_forecast(customer: Visitor) -> None:
    page = customer.get("/billing").text
    assert "1,000" in page
    assert "1,000 will lapse" in page  # nothing was ever spent


def test_credits_are_handed_over_and_taken_back(agency: Agency, owner: Visitor) -> None:
    path = f"/billing/allocation/{agency.customer.id}"
    owner.post(path, {"credits": "300"})
    assert (credits_of(agency.main), credits_of(agency.customer)) == (700, 1300)
    owner.post(path, {"credits": "100", "way": "back"})
    assert (credits_of(agency.main), credits_of(agency.customer)) == (800, 1200)


@pytest.mark.parametrize("credits", ["5000", "-3", "a lot", ""])
def test_what_can_not_be_handed_over_is_said_and_not_done(
    agency: Agency, owner: Visitor, credits: str
) -> None:
    owner.post(f"/billing/allocation/{agency.customer.id}", {"credits": credits})
    assert "note-bad" in owner.get("/billing/allocation").text
    assert credits_of(agency.customer) == 1000


def test_a_customer_hands_nothing_to_anybody(agency: Agency, customer: Visitor) -> None:
    answer = customer.post(f"/billing/allocation/{agency.other.id}", {"credits": "5"})
    assert answer.status_code == 404
    assert credits_of(agency.other) == 1000


def test_a_member_may_look_but_not_move(agency: Agency, web: HostDispatcher) -> None:
    member = Visitor(web, agency.portal).log_in(agency.main.member)
    assert "Hand over" not in member.get("/billing/allocation").text
    path = f"/billing/allocation/{agency.customer.id}"
    assert member.post(path, {"credits": "5"}).status_code == 403


def test_prices_are_set_and_cleared_and_margins_go_by_them(agency: Agency, owner: Visitor) -> None:
    owner.post(f"/billing/prices/{agency.main.id}", {"amount": "4,00", "currency": "eur"})
    owner.post(f"/billing/prices/{agency.customer.id}", {"amount": "2.50", "currency": "EUR"})
    owner.post(f"/billing/allocation/{agency.customer.id}", {"credits": "100"})
    owner.post(f"/billing/allocation/{agency.other.id}", {"credits": "100"})
    page = owner.get("/billing/margins").text
    assert "€0.25" in page
    assert "€0.40" in page
    owner.post(f"/billing/prices/{agency.customer.id}", {"amount": ""})
    with tenant_session(agency.ref) as session:
        price = price_of(session, session.get_one(Account, agency.customer.id))
    assert price is not None
    assert (price.per_thousand, price.own) == (Money(400, "EUR"), False)


def test_the_ledger_is_filtered_and_exported_as_filtered(agency: Agency, owner: Visitor) -> None:
    owner.post(f"/billing/allocation/{agency.customer.id}", {"credits": "300"})
    page = owner.get("/billing/ledger?kind=handed_over").text
    assert "-300" in page
    assert "+1,000" not in page
    lines = owner.get("/billing/ledger.csv?kind=handed_over").text.splitlines()
    assert [line.split(",")[2:4] for line in lines] == [["kind", "credits"], ["handed_over", "-300"]]


def test_an_export_is_whole(agency: Agency, owner: Visitor) -> None:
    with tenant_session(agency.ref) as session:
        entries = entries_of(session, agency.main.id)
    lines = owner.get("/billing/ledger.csv").text.splitlines()
    assert len(lines) == 1 + len(entries)


@pytest.mark.parametrize(
    "query", ["kind=nonsense", "since=31.12.", "until=9999-12-31", "before=x", "before=99999999999999999999"]
)
def test_a_filter_that_means_nothing_filters_nothing(owner: Visitor, query: str) -> None:
    assert "+1,000" in owner.get(f"/billing/ledger?{query}").text


def test_credits_are_bought_with_the_wallet_after_their_price_was_shown(
    agency: Agency, customer: Visitor
) -> None:
    list_price(agency, 500)
    put_money(agency.customer, 1000)
    wanted = {"good": "credits", "units": "200"}
    assert "€1.00" in customer.post("/billing/buy", wanted).text
    assert credits_of(agency.customer) == 1000
    customer.post("/billing/buy/wallet", wanted)
    assert credits_of(agency.customer) == 1200
    assert "€9.00" in customer.get("/billing/wallet").text


def bill_at_home(agency: Agency) -> None:
    """The agency makes invoices, and the customer is at home where it is: VAT of 20 %."""
    with tenant_session(agency.ref) as session:
        set_profile(session, session.get_one(Account, agency.main.id), VIENNA)
        set_terms(session, TERMS)
        session.commit()


def test_the_price_is_shown_with_its_vat_before_one_pays(agency: Agency, customer: Visitor) -> None:
    list_price(agency, 500)
    bill_at_home(agency)
    put_money(agency.customer, 1000)
    page = customer.post("/billing/buy", {"good": "credits", "units": "200"}).text
    assert all(words in page for words in ("€1.00", "VAT 20%", "€0.20", "€1.20"))
    assert "private customer" in page  # as long as nobody has said who the customer is
    with tenant_session(agency.ref) as session:
        set_profile(session, session.get_one(Account, agency.customer.id), LYON)
        session.commit()
    page = customer.post("/billing/buy", {"good": "credits", "units": "200"}).text
    assert ("€1.00" in page, "€1.20" in page, "reverse charge" in page) == (True, False, True)


def test_a_plans_price_is_shown_with_its_vat_and_taken_so_from_the_wallet(
    agency: Agency, customer: Visitor
) -> None:
    plan = offer(agency, "Growth", 900)
    bill_at_home(agency)
    put_money(agency.customer, 1079)
    page = customer.get("/billing/plan").text
    assert ("€10.80" in page, "Pay from the wallet" in page) == (True, False)
    put_money(agency.customer, 1)
    customer.post(f"/billing/plan/{plan}/buy", {"way": "wallet"})
    assert "0 of 5,000 e-mails" in customer.get("/billing/plan").text


def test_a_wallet_that_holds_too_little_buys_nothing(agency: Agency, customer: Visitor) -> None:
    list_price(agency, 500)
    put_money(agency.customer, 10)
    customer.post("/billing/buy/wallet", {"good": "credits", "units": "200"})
    assert "does not hold enough" in customer.get("/billing/buy").text
    assert credits_of(agency.customer) == 1000


def test_a_plan_is_begun_from_the_wallet_and_cancelled(agency: Agency, customer: Visitor) -> None:
    plan = offer(agency, "Growth", 900)
    put_money(agency.customer, 1000)
    customer.post(f"/billing/plan/{plan}/buy", {"way": "wallet"})
    page = customer.get("/billing/plan").text
    assert "0 of 5,000 e-mails" in page
    customer.post("/billing/plan/cancel")
    assert "it ends" in customer.get("/billing/plan").text


def test_dedicated_ips_are_shown_given_back_and_kept(
    agency: Agency, customer: Visitor, owner: Visitor
) -> None:
    with tenant_session(agency.ref) as session:
        account, rental_id = session.get_one(Account, agency.customer.id), uuid4()
        begin_rental(session, account, rental_id, 2, Money(8000, "EUR"), clock=SystemClock())
        session.commit()
    page = customer.get("/billing/plan").text
    assert ("2 are being set up" in page, "€80.00" in page) == (True, True)
    asked = customer.get(f"/billing/plan/ips/{rental_id}/cancel").text
    assert "until the end of the month that is paid" in asked
    customer.post(f"/billing/plan/ips/{rental_id}/cancel")
    assert "Keep them" in customer.get("/billing/plan").text
    customer.post(f"/billing/plan/ips/{rental_id}/keep")
    assert "Give back" in customer.get("/billing/plan").text
    owner.post(f"/billing/plan/ips/{rental_id}/cancel")  # not its own
    assert "Give back" in customer.get("/billing/plan").text


def test_a_reseller_sees_what_ips_cost_it_before_it_sells_them_and_what_they_earn(
    agency: Agency, customer: Visitor, owner: Visitor
) -> None:
    assert "What customers order costs you nothing" in owner.get("/billing/prices").text
    ask_for_handing_on(agency.ref, 3210)
    assert "€32.10" in owner.get("/billing/prices").text
    owner.post(f"/billing/prices/{agency.main.id}/ips", {"amount": "45", "currency": "eur"})
    owner.post(f"/billing/prices/{agency.customer.id}/ips", {"amount": "40,50", "currency": "EUR"})
    put_money(agency.main, 4000)
    with tenant_session(agency.ref) as session:
        account = session.get_one(Account, agency.customer.id)
        prices = [
            ip_price_of(session, session.get_one(Account, one.id)) for one in (agency.customer, agency.other)
        ]
        begin_rental(session, account, uuid4(), 1, Money(4050, "EUR"), clock=SystemClock())
        session.commit()
    assert prices == [Money(4050, "EUR"), Money(4500, "EUR")]
    page = owner.get("/billing/plan").text
    assert ("Dedicated IPs of your customers" in page, "€32.10" in page) == (True, True)
    assert "€32.10" not in customer.get("/billing/plan").text
    assert "€32.10" in owner.get("/billing/margins").text
    owner.post(f"/billing/prices/{agency.customer.id}/ips", {"amount": ""})
    with tenant_session(agency.ref) as session:
        assert ip_price_of(session, session.get_one(Account, agency.customer.id)) == Money(4500, "EUR")


def test_a_trial_is_offered_once(agency: Agency, customer: Visitor) -> None:
    plan = offer(agency, "Growth", 900, trial_days=14)
    assert "Try for 14 days" in customer.get("/billing/plan").text
    customer.post(f"/billing/plan/{plan}/trial")
    page = customer.get("/billing/plan").text
    assert "Try for" not in page
    with tenant_session(agency.ref) as session:
        state = current_plan(session, session.get_one(Account, agency.customer.id), clock=SystemClock())
    assert state is not None
    assert state.status == "trial"


# WeasyPrint leaves a file of its own open.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_an_invoice_is_downloaded_and_sent_by_who_it_is_for_and_by_no_other(
    agency: Agency, customer: Visitor, owner: Visitor, web: HostDispatcher
) -> None:
    with tenant_session(agency.ref) as session:
        account = session.get_one(Account, agency.customer.id)
        set_profile(session, session.get_one(Account, agency.main.id), VIENNA)
        set_profile(session, account, GRAZ)
        set_terms(session, TERMS)
        invoice = issue_invoice(session, draft(account), clock=SystemClock())
        session.commit()
    assert customer.get(f"/billing/invoices/{invoice.id}.pdf").data.startswith(b"%PDF")
    customer.post(f"/billing/invoices/{invoice.id}/send")
    assert GRAZ.email in customer.get("/billing/invoices").text
    assert owner.get(f"/billing/invoices/customers/{invoice.id}.pdf").status_code == 200
    other = Visitor(web, agency.portal).log_in(agency.other.owner)
    assert invoice.number not in other.get("/billing/invoices").text
    assert other.get(f"/billing/invoices/{invoice.id}.pdf").status_code == 404
    assert other.get(f"/billing/invoices/customers/{invoice.id}.pdf").status_code == 404
    assert other.post(f"/billing/invoices/{invoice.id}/send").status_code == 404
