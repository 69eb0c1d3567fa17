"""`frankpost tax-profile` and `frankpost invoice`, from the profile to the paper."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from billing.ledger.models import LotOrigin
from billing.ledger.services import grant_credits
from billing.ledger.transfers import hand_over
from billing.money import Money
from billing.prices.services import set_price
from platform_core.clock import StoppedClock, SystemClock
from platform_core.database import ResellerRef, tenant_session
from tenants.accounts.queries import main_account, sub_accounts
from tenants.accounts.services import NewAccount, create_sub_account

Run = Callable[..., Result]
RunJson = Callable[..., Any]

pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture
def billed(reseller: ResellerRef, run_json: RunJson) -> str:
    """A reseller that bills in euros, with one invoice; its number."""
    clock = StoppedClock(SystemClock().now().replace(year=2026, month=1, day=5))
    with tenant_session(reseller) as session:
        main = main_account(session)
        customer = create_sub_account(session, NewAccount("Muster"))
        grant_credits(session, main, 10_000, clock=clock)
        set_price(session, customer, Money(80, "EUR"), clock=clock)
        hand_over(session, main, customer, 10_000, clock=clock)
        session.commit()
    key = f"--reseller {reseller.key}"
    run_json(f"tax-profile set {key} --country AT --vat-id ATU12345675", "--legal-name", "Acme GmbH")
    run_json(
        f"tax-profile set {key} --account {customer.id} --country AT --legal-name Muster --email b@m.example"
    )
    run_json(f"tax-profile terms {key} --currency EUR --number-format A{{number}}")
    (row,) = run_json(f"invoice bill {key}")
    assert (row["seller"], row["buyer"], row["gross"], row["new"]) == ("Acme GmbH", "Muster", 960, True)
    number = row["number"]
    assert isinstance(number, str)
    return number


def test_a_profile_is_set_shown_and_changed_in_part(
    reseller: ResellerRef, run_json: RunJson, run: Run
) -> None:
    line = f"tax-profile set --reseller {reseller.key}"
    assert run(f"{line} --city Wien").exit_code == 1
    run_json(f"{line} --legal-name Acme --country AT --city Wien")
    run_json(f"{line} --city Graz")
    shown = run_json(f"tax-profile show --reseller {reseller.key}")
    assert (shown["legal_name"], shown["city"], shown["vat_id"]) == ("Acme", "Graz", None)


def test_a_profile_that_is_not_there_is_refused_with_the_way_on(reseller: ResellerRef, run: Run) -> None:
    result = run(f"tax-profile show --reseller {reseller.key}")
    assert result.exit_code == 1
    assert "frankpost tax-profile set" in result.stderr


def test_a_month_is_billed_once(reseller: ResellerRef, billed: str, run_json: RunJson) -> None:
    assert billed == "A1"
    assert run_json(f"invoice bill --reseller {reseller.key}") == []
    (listed,) = run_json(f"invoice list --reseller {reseller.key}")
    assert (listed["number"], listed["gross"], listed["open"]) == ("A1", 960, 960)


def test_an_invoice_is_shown_and_written_as_pdf(
    reseller: ResellerRef, billed: str, run_json: RunJson, run: Run, tmp_path: Path
) -> None:
    shown = run_json(f"invoice show {billed} --reseller {reseller.key}")
    assert [(line["quantity"], line["net"]) for line in shown["lines"]] == [(10_000, 800)]
    file = tmp_path / "paper.pdf"
    assert run(f"invoice pdf {billed} --reseller {reseller.key} --to {file}").exit_code == 0
    assert file.read_bytes().startswith(b"%PDF-1.7")


def test_an_invoice_is_sent_again_paid_and_credited(
    reseller: ResellerRef, billed: str, run_json: RunJson, run: Run
) -> None:
    key = f"--reseller {reseller.key}"
    assert run_json(f"invoice send {billed} {key}")["send_to"] == "b@m.example"
    assert run_json(f"invoice paid {billed} 260 --reference bank-1 {key}")["open"] == 700
    noted = run_json(f"invoice credit {billed} --reason Mistake --line 1=500 --yes {key}")
    assert noted["gross"] == 600
    (listed,) = [row for row in run_json(f"invoice list {key}") if row["number"] == billed]
    assert (listed["open"], listed["credited"]) == (100, 600)
    refused = run(f"invoice credit {billed} --reason Mistake --line 1=301 --yes {key}")
    assert refused.exit_code == 1
    assert "no more than 300" in refused.stderr


def test_what_no_invoice_can_have_is_found_and_the_command_ends_with_1(
    reseller: ResellerRef, billed: str, run_json: RunJson, run: Run
) -> None:
    key = f"--reseller {reseller.key}"
    assert run_json(f"invoice check {key}") == []
    with tenant_session(reseller) as session:
        clock = StoppedClock(SystemClock().now().replace(year=2026, month=1, day=6))
        cost = Money(700, "USD")
        (customer,) = sub_accounts(session)
        grant_credits(session, customer, 10, clock=clock, origin=LotOrigin.BOUGHT, cost=cost)
        session.commit()
    found = run(f"invoice check {key}")
    assert (found.exit_code, "USD" in found.stdout, "700" in found.stdout) == (1, True, True)
