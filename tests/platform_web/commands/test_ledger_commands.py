"""`frankpost credits`, `price` and `ledger`: a reseller's credits from the stock to a customer and back, and the proof."""

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from platform_core.database import ResellerRef
from tests.relay_worker.queue.desk import owner_connection

Run = Callable[..., Result]
RunJson = Callable[..., Any]


@pytest.fixture
def customer(reseller: ResellerRef, run_json: RunJson) -> str:
    """A sub-account's id; the stock has 1,000 credits, bought for 5.00 EUR, and a price of 8.00 a thousand."""
    run_json(f"credits grant 1000 --bought --cost 500 --reseller {reseller.key}")
    run_json(f"price set 800 EUR --reseller {reseller.key}")
    return str(run_json(f"account create Contoso --reseller {reseller.key}")["id"])


def test_credits_go_to_a_customer_at_its_price_and_come_back(
    reseller: ResellerRef, customer: str, run_json: RunJson
) -> None:
    moved = run_json(f"credits hand-over 500 --to {customer} --reseller {reseller.key}")
    assert (moved["credits"], moved["price"], moved["currency"]) == (500, 400, "EUR")
    back = run_json(f"credits take-back 100 --from {customer} --reseller {reseller.key}")
    assert (back["credits"], back["price"]) == (100, -80)
    [lot] = run_json(f"credits lots --reseller {reseller.key} --account {customer}")
    assert (lot["origin"], lot["remaining"], lot["cost"]) == ("handed_over", 400, 250)
    [line] = run_json(f"price margins --reseller {reseller.key}")
    assert (line["credits"], line["price"], line["cost"], line["margin"]) == (400, 320, 200, 120)


def test_more_than_the_stock_is_refused_with_the_balance(
    reseller: ResellerRef, customer: str, run: Run
) -> None:
    refused = run(f"credits hand-over 1001 --to {customer} --reseller {reseller.key}")
    assert refused.exit_code == 1
    assert "1001 credits are needed and 1000 are left" in refused.stderr


def test_a_price_of_its_own_is_set_shown_and_cleared(
    reseller: ResellerRef, customer: str, run_json: RunJson
) -> None:
    options = f"--reseller {reseller.key} --account {customer}"
    assert run_json(f"price show {options}")["own"] is False
    run_json(f"price set 750 EUR {options}")
    assert run_json(f"price show {options}") == {
        "account_id": int(customer), "per_thousand": 750, "currency": "EUR", "own": True,
    }  # fmt: skip
    run_json(f"price clear {options}")
    assert run_json(f"price show {options}")["per_thousand"] == 800


def test_the_ledger_is_shown_by_kind(reseller: ResellerRef, customer: str, run_json: RunJson) -> None:
    run_json(f"credits hand-over 500 --to {customer} --reseller {reseller.key}")
    lines = run_json(f"credits entries --kind handed_over --reseller {reseller.key}")
    assert [(line["kind"], line["credits"]) for line in lines] == [("handed_over", -500)]


def test_sound_books_are_said_to_be_sound(
    reseller: ResellerRef, customer: str, run: Run, run_json: RunJson
) -> None:
    run_json(f"ledger keep --reseller {reseller.key}")
    [report] = run_json(f"ledger check --reseller {reseller.key}")
    assert (report["sound"], report["balance"], report["faults"]) == (True, 1000, [])
    assert "sound; 1000 credits in 1 lots" in run(f"ledger check --reseller {reseller.key}").stdout


def test_books_that_are_wrong_are_refused_with_what_is_wrong(
    reseller: ResellerRef, customer: str, run: Run
) -> None:
    with owner_connection(reseller) as owner:
        owner.execute("UPDATE credit_lot SET remaining = 999")
    checked = run(f"ledger check --reseller {reseller.key}")
    assert checked.exit_code == 1
    assert (
        "what is left in a lot, and is allotted out of it, is the sum of its entries; account 1, lot 1, expected 1000, found 999"
        in checked.stdout
    )
    assert run(f"ledger check --reseller {reseller.key} --json").exit_code == 1
