"""Automatic top-ups: below the threshold, once, within the day's ceiling, and off after a refusal."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask

from billing.payments.gateway import CardCharge, Charged
from billing.payments.jobs import top_up_accounts
from billing.payments.purchases import Good
from billing.payments.queries import top_up_of
from billing.payments.signals import top_up_stopped
from billing.payments.states import PaymentState
from billing.payments.stripe_gateway import StripeGateway
from billing.payments.till import Till
from billing.payments.top_ups.buying import accounts_to_look_at, top_up
from billing.payments.top_ups.services import RuleState, TopUp, set_top_up, stop_top_up
from platform_core.clock import StoppedClock
from platform_core.database import ResellerRef, db, tenant_session
from platform_core.errors import NotFound, Unavailable
from platform_core.settings import Settings, settings
from platform_dev.payments.server import PaymentServer
from tenants.pending.kinds import Work
from tenants.pending.queries import pending
from tests.billing.payments.buyers import CARD_THAT_FAILS_LATER, GOOD_CARD, SECRET, Buyer, PostOffice


def give_rule(
    buyer: Buyer,
    post: PostOffice,
    *,
    card: str = GOOD_CARD,
    ceiling: int = 100_000,
    good: Good = Good.CREDITS,
) -> None:
    """Below 1,000 of it buy 2,000, which cost 4.00 EUR as credits and 20.00 EUR as money."""
    buyer.save_card(card)
    post.bring()
    with tenant_session(buyer.reseller) as session:
        wanted = TopUp(good, 1000, 2000, ceiling, buyer.cards()[0].id)
        set_top_up(session, buyer.account(session), wanted, clock=buyer.till.clock)
        session.commit()


def rule_state(buyer: Buyer) -> tuple[RuleState, str]:
    with tenant_session(buyer.reseller) as session:
        found = top_up_of(session, buyer.id)
        assert found is not None
        return found.state, found.off_because


class DeafGateway(StripeGateway):
    """Has the card charged, and never hears the answer."""

    def charge_card(self, charge: CardCharge) -> Charged:
        super().charge_card(charge)
        raise Unavailable("The line is dead.")


def test_an_account_that_runs_low_is_topped_up_and_the_event_adds_nothing(
    agency: Buyer, post: PostOffice
) -> None:
    give_rule(agency, post)
    assert top_up(agency.reseller, agency.id, till=agency.till)
    assert agency.credits() == 2000
    post.bring()
    assert not top_up(agency.reseller, agency.id, till=agency.till)
    assert (agency.credits(), len(agency.payments())) == (2000, 1)


def test_a_customers_card_pays_its_reseller(customer: Buyer, agency: Buyer, post: PostOffice) -> None:
    give_rule(customer, post)
    assert top_up(customer.reseller, customer.id, till=customer.till)
    assert (customer.credits(), agency.credits()) == (2000, 8000)


def test_the_wallet_is_topped_up_too(agency: Buyer, post: PostOffice) -> None:
    give_rule(agency, post, good=Good.WALLET)
    assert top_up(agency.reseller, agency.id, till=agency.till)
    assert not top_up(agency.reseller, agency.id, till=agency.till)


def test_many_jobs_at_once_charge_once(headless_app: Flask, agency: Buyer, post: PostOffice) -> None:
    give_rule(agency, post)

    def run(_: int) -> None:
        with headless_app.app_context():
            top_up(agency.reseller, agency.id, till=agency.till)
            db.session.remove()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(run, range(16)))
    post.bring()
    assert (agency.credits(), len(agency.payments())) == (2000, 1)


def test_an_answer_that_was_lost_is_asked_for_again_and_charges_once(
    agency: Buyer, post: PostOffice, payment_server: object, clock: StoppedClock
) -> None:
    give_rule(agency, post)
    deaf = DeafGateway("sk_test_1", api_base=agency.server.address, webhook_secrets=[SECRET])
    with pytest.raises(Unavailable):
        top_up(agency.reseller, agency.id, till=Till(deaf, clock, "EUR"))
    assert agency.payment().state == PaymentState.OPEN
    assert top_up(agency.reseller, agency.id, till=agency.till)
    intents = {event["data"]["object"]["id"] for event in post.waiting() if "intent" in event["type"]}
    post.bring()
    assert (agency.credits(), len(intents)) == (2000, 1)


def test_no_answer_for_a_day_ends_it_and_news_of_it_still_counts(
    agency: Buyer, post: PostOffice, clock: StoppedClock
) -> None:
    give_rule(agency, post)
    deaf = DeafGateway("sk_test_1", api_base=agency.server.address, webhook_secrets=[SECRET])
    with pytest.raises(Unavailable):
        top_up(agency.reseller, agency.id, till=Till(deaf, clock, "EUR"))
    clock.advance(timedelta(hours=21))
    assert not top_up(agency.reseller, agency.id, till=agency.till)
    assert rule_state(agency) == (RuleState.OFF, "no answer")
    post.bring()
    assert (agency.payment().state, agency.credits()) == (PaymentState.PAID, 2000)


def test_the_days_ceiling_holds_until_midnight_of_the_account(
    agency: Buyer, post: PostOffice, clock: StoppedClock
) -> None:
    give_rule(agency, post, ceiling=700, good=Good.CREDITS)
    with tenant_session(agency.reseller) as session:
        wanted = TopUp(Good.CREDITS, 10_000, 2000, 700, agency.cards()[0].id)
        set_top_up(session, agency.account(session), wanted, clock=clock)
        session.commit()
    assert top_up(agency.reseller, agency.id, till=agency.till)
    assert not top_up(agency.reseller, agency.id, till=agency.till)
    clock.advance(timedelta(days=1))
    assert top_up(agency.reseller, agency.id, till=agency.till)
    assert agency.credits() == 4000


def test_a_card_that_is_refused_switches_the_rule_off_and_says_so(agency: Buyer, post: PostOffice) -> None:
    give_rule(agency, post, card=CARD_THAT_FAILS_LATER)
    heard: list[tuple[ResellerRef, str]] = []

    def hear(reseller: ResellerRef, account_id: int, reason: str) -> None:
        heard.append((reseller, reason))

    with top_up_stopped.connected_to(hear):
        assert not top_up(agency.reseller, agency.id, till=agency.till)
        assert not top_up(agency.reseller, agency.id, till=agency.till)
        post.bring()
    assert heard == [(agency.reseller, "card_declined")]
    assert rule_state(agency) == (RuleState.OFF, "card_declined")
    assert (agency.payment().state, agency.credits()) == (PaymentState.FAILED, 0)


@pytest.mark.parametrize("disputed", [False, True])
def test_a_top_up_whose_money_goes_back_is_not_bought_anew(
    agency: Buyer, post: PostOffice, disputed: bool
) -> None:
    give_rule(agency, post)
    assert top_up(agency.reseller, agency.id, till=agency.till)
    intent, desk = str(agency.payment().intent), agency.server.desk
    desk.dispute(intent) if disputed else desk.refund(intent, 400)
    post.bring()
    assert not top_up(agency.reseller, agency.id, till=agency.till)
    assert (agency.credits(), len(agency.payments())) == (0, 1)
    assert rule_state(agency) == (RuleState.OFF, "its last payment was refunded or disputed")


def test_a_card_that_is_removed_takes_the_rule_with_it(agency: Buyer, post: PostOffice) -> None:
    give_rule(agency, post)
    agency.till.gateway.remove_card(agency.cards()[0].id, key="remove", seller="")
    post.bring()
    assert rule_state(agency)[0] is RuleState.OFF
    with tenant_session(agency.reseller) as session:
        assert agency.id not in accounts_to_look_at(session)


def test_nobody_can_top_up_with_the_card_of_another(agency: Buyer, customer: Buyer, post: PostOffice) -> None:
    agency.save_card()
    post.bring()
    with tenant_session(customer.reseller) as session, pytest.raises(NotFound):
        wanted = TopUp(Good.CREDITS, 1000, 2000, 100_000, agency.cards()[0].id)
        set_top_up(session, customer.account(session), wanted, clock=customer.till.clock)


@pytest.fixture
def a_shop_that_takes_cards(
    database: Settings, payment_server: PaymentServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The settings that the job goes by lead to the payment server."""
    monkeypatch.setenv("FRANKPOST_STRIPE_SECRET_KEY", "sk_test_1")
    monkeypatch.setenv("FRANKPOST_STRIPE_API_BASE", payment_server.address)
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


def waits(buyer: Buyer) -> bool:
    db.session.rollback()
    return buyer.reseller in [one.reseller for one in pending(db.session(), Work.TOP_UPS)]


def test_the_job_looks_at_accounts_with_a_rule_for_as_long_as_they_have_it(
    agency: Buyer, post: PostOffice, a_shop_that_takes_cards: None
) -> None:
    top_up_accounts()
    assert not waits(agency)
    give_rule(agency, post)
    for _ in range(2):
        top_up_accounts()
    assert (agency.credits(), waits(agency)) == (2000, True)
    with tenant_session(agency.reseller) as session:
        stop_top_up(session, agency.id, "", clock=agency.till.clock)
        session.commit()
    top_up_accounts()
    assert not waits(agency)
