"""`frankpost payment` and `frankpost price-list`."""

from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy.orm import Session

from billing.money import Money
from billing.payments.events import keep_event
from billing.payments.gateway import Received
from billing.payments.models import Payment
from billing.rentals.jobs import renew_rentals_of
from billing.rentals.services import begin_rental
from billing.wallet.services import WalletReason, credit_wallet
from platform_core.clock import SystemClock
from platform_core.database import ResellerRef, db, tenant_session
from tenants.accounts.queries import main_account
from tenants.accounts.services import NewAccount, create_sub_account
from tests.platform_web.commands.conftest import Run, RunJson


def keep_some_event() -> str:
    event_id = f"evt_{uuid4().hex}"
    received = Received(event_id, "plan.created", "", '{"id": "x"}', datetime.now(UTC))
    with Session(db.engine) as session:
        keep_event(session, received, clock=SystemClock())
        session.commit()
    return event_id


def make_payment(reseller: ResellerRef, **fields: object) -> str:
    payment = Payment(
        id=uuid4(),
        origin="checkout",
        good="credits",
        units=5000,
        description="5,000 e-mail credits",
        currency="EUR",
        asked=1000,
        created_at=datetime.now(UTC),
        **fields,
    )
    with tenant_session(reseller) as session:
        payment.account_id = main_account(session).id
        session.add(payment)
        session.commit()
    return str(payment.id)


def test_an_event_is_listed_shown_and_applied_by_its_id(app: object, run_json: RunJson) -> None:
    event_id = keep_some_event()
    assert event_id in {row["id"] for row in run_json("payment events --state received --limit 1000")}
    assert run_json("payment event", event_id)["payload"] == '{"id": "x"}'
    for _ in range(2):
        assert run_json("payment replay", event_id) == {"id": event_id, "state": "ignored"}


def test_an_event_that_there_is_not_is_refused(run: Run) -> None:
    assert run("payment replay evt_nothing").exit_code == 1


def test_payments_are_listed_and_those_in_trouble_apart(reseller: ResellerRef, run_json: RunJson) -> None:
    plain = make_payment(reseller)
    troubled = make_payment(reseller, state="disagreed", problem="1 EUR paid, 1000 EUR asked")
    key = str(reseller.key)
    assert {row["id"] for row in run_json("payment list --reseller", key)} == {plain, troubled}
    assert [row["id"] for row in run_json("payment list --troubled --reseller", key)] == [troubled]
    shown = run_json("payment show", troubled, "--reseller", key)
    assert (shown["state"], shown["problem"]) == ("disagreed", "1 EUR paid, 1000 EUR asked")


def test_without_a_payment_service_nothing_is_refunded(reseller: ResellerRef, run: Run) -> None:
    payment = make_payment(reseller, state="paid", paid=1000, intent=f"pi_{uuid4().hex}")
    refused = run("payment refund --yes", payment, "--reseller", str(reseller.key))
    assert refused.exit_code == 1
    assert "not set up" in refused.stderr


def test_a_resellers_own_lines_take_the_place_of_everybodys(reseller: ResellerRef, run_json: RunJson) -> None:
    key = str(reseller.key)
    run_json("price-list set credits 300 --currency CHF")
    run_json("price-list set credits 250 --currency CHF --from 50000")
    lines = run_json("price-list list --currency CHF --reseller", key)
    assert [(line["from_units"], line["amount"]) for line in lines] == [(1, 300), (50_000, 250)]
    run_json("price-list set credits 200 --currency CHF --reseller", key)
    lines = run_json("price-list list --currency CHF --reseller", key)
    assert [(line["amount"], line["own"]) for line in lines] == [(200, True)]
    run_json("price-list remove credits --yes --currency CHF --reseller", key)
    assert len(run_json("price-list list --currency CHF --reseller", key)) == 2


def test_what_an_ip_that_is_handed_on_costs_the_reseller_is_said_where_its_price_is_set(
    reseller: ResellerRef, run_json: RunJson
) -> None:
    key = str(reseller.key)
    free = run_json("payment ip-price 6000 --account main --reseller", key)
    assert (free["amount"], free["cost"], free["cost_currency"]) == (6000, 0, "")
    run_json("price-list set handed-on-ip 3300 --reseller", key)
    told = run_json("payment ip-price 6000 --account main --reseller", key)
    assert (told["amount"], told["cost"], told["cost_currency"]) == (6000, 3300, "EUR")
    with tenant_session(reseller) as session:
        customer, price = create_sub_account(session, NewAccount("Contoso")), Money(6000, "EUR")
        main, money = main_account(session), Money(3300, "EUR")
        clock = SystemClock()
        credit_wallet(session, main, money, reason=WalletReason.PAID_IN, reference="1", clock=clock)
        begin_rental(session, customer, uuid4(), 1, price, clock=clock)
        session.commit()
    (line,) = run_json("price ip-margins --reseller", key)
    assert (line["account"], line["price"], line["cost"], line["margin"]) == ("Contoso", 0, 3300, -3300)


def test_staff_hand_over_the_addresses_that_are_ordered(
    reseller: ResellerRef, run: Run, run_json: RunJson
) -> None:
    with tenant_session(reseller) as session:
        main, rental = main_account(session), uuid4()
        begin_rental(session, main, rental, 1, Money(4000, "EUR"), clock=SystemClock())
        session.commit()
    renew_rentals_of(reseller, SystemClock())
    (order,) = [row for row in run_json("payment ip-orders") if row["reseller_id"] == reseller.id]
    run_json(f"pool create p{rental.hex[:8]}")
    run_json(f"ip add 203.0.113.77 --pool p{rental.hex[:8]} --helo mta77.example.net")
    refused = run(f"payment fulfil-ip-order {order['id']} 203.0.113.77 203.0.113.78")
    assert (refused.exit_code, "waits for 1" in refused.stderr) == (1, True)
    made = run_json(f"payment fulfil-ip-order {order['id']} 203.0.113.77")
    assert made["pool"] == f"rented-{reseller.id}-{main.id}"
    assert order["id"] not in [row["id"] for row in run_json("payment ip-orders")]
    assert run(f"ip move 203.0.113.77 p{rental.hex[:8]}").exit_code == 1
