"""The payment service's events: once, in any order, again, and only from whom they may come."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import permutations
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from billing.ledger.checks import check_ledger
from billing.ledger.models import CreditLot
from billing.money import Money
from billing.payments.events import GIVE_UP_AFTER, apply_event, replay_event
from billing.payments.models import StripeEvent
from billing.payments.purchases import Purchase
from billing.payments.queries import payments_to_look_at
from billing.payments.states import EventState, PaymentState
from billing.plans.catalogue import NewPlan, create_plan
from billing.plans.models import Subscription
from platform_core.clock import StoppedClock
from platform_core.database import db, tenant_session
from platform_core.errors import EventRejected, NotFound
from platform_dev.payments.samples import Object, new_object
from platform_dev.payments.webhooks import sign
from tests.billing.payments.buyers import SECRET, Buyer, PostOffice, keep


def of_type(events: list[Object], type_: str) -> Object:
    return next(event for event in events if event["type"] == type_)


def stored(event_id: str) -> StripeEvent:
    with Session(db.engine) as session:
        return session.get_one(StripeEvent, event_id)


def lots(buyer: Buyer) -> int:
    with tenant_session(buyer.reseller) as session:
        return session.query(CreditLot).filter_by(account_id=buyer.id).count()


def test_fifty_deliveries_at_once_of_one_event_count_once(
    headless_app: Flask, agency: Buyer, post: PostOffice
) -> None:
    agency.buy(Purchase.credits(5000))
    paid = of_type(post.waiting(), "checkout.session.completed")
    keep(agency.till, paid)

    def deliver(_: int) -> EventState:
        with headless_app.app_context():
            keep(agency.till, paid)
            state = apply_event(paid["id"], clock=agency.till.clock)
            db.session.remove()
            return state

    with ThreadPoolExecutor(10) as threads:
        states = set(threads.map(deliver, range(50)))
    assert states == {EventState.APPLIED}
    assert (agency.credits(), lots(agency)) == (5000, 1)


def test_the_events_of_one_payment_all_at_once_deliver_once(
    headless_app: Flask, agency: Buyer, post: PostOffice
) -> None:
    agency.buy(Purchase.credits(5000), save_card=True)
    events = post.waiting()
    for event in events:
        keep(agency.till, event)

    def deliver(event: Object) -> None:
        with headless_app.app_context():
            apply_event(event["id"], clock=agency.till.clock)
            db.session.remove()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(deliver, events * 5))
    assert (agency.credits(), lots(agency)) == (5000, 1)


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=lambda order: "".join(map(str, order)))
def test_a_purchase_and_its_refund_end_the_same_in_any_order(
    agency: Buyer, post: PostOffice, order: tuple[int, ...], clock: StoppedClock
) -> None:
    checkout = agency.buy(Purchase.credits(5000))
    agency.server.desk.refund(checkout["payment_intent"], 400)
    agency.server.desk.dispute(checkout["payment_intent"])
    names = ("checkout.session.completed", "charge.refunded", "charge.dispute.created")
    waiting = post.waiting()
    post.bring(*(of_type(waiting, names[place]) for place in order))
    post.bring(of_type(waiting, "payment_intent.succeeded"))
    clock.advance(timedelta(minutes=1))
    post.look_again()
    payment = agency.payment()
    # The dispute is about all of it.
    assert (payment.state, payment.refunded, payment.taken_back) == (
        PaymentState.PAID,
        400,
        payment.delivered,
    )
    assert agency.credits() == 0


def test_an_event_about_something_unknown_waits_until_it_is_known(
    agency: Buyer, post: PostOffice, clock: StoppedClock
) -> None:
    checkout = agency.buy(Purchase.credits(5000))
    agency.server.desk.refund(checkout["payment_intent"], 500)
    refunded = of_type(post.waiting(), "charge.refunded")
    post.bring(refunded)
    assert stored(refunded["id"]).state == EventState.WAITING
    post.bring()
    clock.advance(timedelta(seconds=6))
    post.look_again()
    assert stored(refunded["id"]).state == EventState.APPLIED
    assert agency.credits() == 2500


def test_an_event_that_never_finds_its_thing_is_given_up(
    agency: Buyer, post: PostOffice, clock: StoppedClock
) -> None:
    charge = new_object("charge", {"payment_intent": "pi_of_nobody", "amount_refunded": 1})
    event = new_object("event", {"type": "charge.refunded", "data": {"object": charge}})
    post.bring(event)
    clock.advance(GIVE_UP_AFTER + timedelta(days=1))
    post.look_again()
    assert (stored(event["id"]).state, stored(event["id"]).next_at) == (EventState.WAITING, None)


def test_an_event_replayed_changes_nothing_more(agency: Buyer, post: PostOffice) -> None:
    agency.buy(Purchase.credits(5000))
    paid = of_type(post.waiting(), "checkout.session.completed")
    post.bring()
    assert replay_event(paid["id"], clock=agency.till.clock) is EventState.APPLIED
    assert (agency.credits(), lots(agency)) == (5000, 1)


def test_what_could_not_be_applied_is_tried_again(
    agency: Buyer, post: PostOffice, clock: StoppedClock
) -> None:
    broken = new_object("event", {"type": "charge.refunded", "data": {"object": {"id": "ch_1"}}})
    post.bring(broken)
    failed = stored(broken["id"])
    assert (failed.state, failed.attempts) == (EventState.FAILED, 1)
    assert failed.problem.startswith("KeyError")
    assert failed.next_at is not None and failed.next_at > clock.now()


def test_an_event_about_what_is_no_longer_there_does_not_stop_those_after_it(
    agency: Buyer, post: PostOffice, clock: StoppedClock
) -> None:
    plan = create_plan(db.session(), NewPlan(f"Growth {uuid4().hex[:6]}", Money(4900, "EUR"), 50_000))
    db.session.commit()
    checkout = agency.buy(Purchase.plan(plan.id))
    dispute = agency.server.desk.dispute(checkout["payment_intent"])
    post.bring()
    with tenant_session(agency.reseller) as session:
        session.delete(session.get_one(Subscription, agency.id))
        session.commit()
    agency.server.desk.close_dispute(dispute, won=True)
    won = of_type(post.waiting(), "charge.dispute.closed")
    agency.buy(Purchase.credits(5000))
    for event in post.waiting():
        keep(agency.till, event)
    post.look_again()
    assert stored(won["id"]).state == EventState.FAILED
    assert agency.credits() == 5000


def test_an_event_of_a_kind_that_means_nothing_is_kept_and_left_alone(post: PostOffice) -> None:
    event = new_object("event", {"type": "plan.created"})
    post.bring(event)
    assert stored(event["id"]).state == EventState.IGNORED


def test_an_unknown_event_can_not_be_applied(app: Flask, clock: StoppedClock) -> None:
    with pytest.raises(NotFound):
        apply_event("evt_unknown", clock=clock)


def test_money_that_was_not_asked_for_buys_nothing_and_is_shown(agency: Buyer, post: PostOffice) -> None:
    agency.buy(Purchase.credits(5000))
    for event in post.waiting():
        if event["type"] in ("checkout.session.completed", "payment_intent.succeeded"):
            event["data"]["object"] |= {"amount_total": 1, "amount": 1, "amount_received": 1}
        post.bring(event)
    assert agency.credits() == 0
    with tenant_session(agency.reseller) as session:
        (found,) = payments_to_look_at(session)
    assert (found.state, found.problem) == (PaymentState.DISAGREED, "1 EUR paid, 1000 EUR asked")


def test_a_connected_account_can_not_say_that_the_platform_was_paid(
    customer: Buyer, agency: Buyer, post: PostOffice
) -> None:
    agency.open(Purchase.credits(5000))
    post.bring()
    payment = agency.payment()
    seller = customer.server.desk.shelf.all("account")
    intent = {
        "id": "pi_forged",
        "object": "payment_intent",
        "amount": 1000,
        "amount_received": 1000,
        "currency": "eur",
        "metadata": {"reseller": agency.reseller.key, "payment": str(payment.id)},
    }
    forged = new_object(
        "event",
        {"type": "payment_intent.succeeded", "data": {"object": intent}, "account": next(seller)["id"]},
    )
    before = agency.credits()
    post.bring(forged)
    assert stored(forged["id"]).state == EventState.WAITING
    assert agency.credits() == before
    assert agency.payment().state == PaymentState.OPEN


def test_an_account_that_nobody_has_connected_says_nothing(agency: Buyer, post: PostOffice) -> None:
    agency.buy(Purchase.credits(5000))
    paid = of_type(post.waiting(), "payment_intent.succeeded") | {"account": "acct_of_a_stranger"}
    post.bring(paid)
    assert stored(paid["id"]).state == EventState.WAITING
    assert agency.credits() == 0


def test_a_signature_holds_for_its_own_body_secret_and_time_only(agency: Buyer) -> None:
    read = agency.till.gateway.read_event
    event = new_object("event", {})
    good = sign(event, SECRET)
    assert read(good.body, good.signature).id == event["id"]
    late = sign(event, SECRET, at=1_000_000_000)
    other = sign(event, "whsec_other")
    for body, signature in (
        (good.body + b" ", good.signature),
        (good.body, ""),
        (good.body, "t=1,v1=00"),
        (good.body, other.signature),
        (late.body, late.signature),
        (b"\xff", good.signature),
    ):
        with pytest.raises(EventRejected):
            read(body, signature)


def test_the_ledger_still_adds_up(customer: Buyer, post: PostOffice) -> None:
    checkout = customer.buy(Purchase.credits(2000))
    post.bring()
    customer.server.desk.refund(checkout["payment_intent"], 300)
    post.bring()
    with tenant_session(customer.reseller) as session:
        report = check_ledger(session)
    assert report.sound, report
