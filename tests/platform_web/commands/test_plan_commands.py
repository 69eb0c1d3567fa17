"""Plans and caps from the command line."""

from uuid import uuid4

import pytest

from tests.platform_web.commands.conftest import Run, RunJson


@pytest.fixture
def made(run_json: RunJson) -> str:
    """The key of a fresh reseller."""
    key = f"p{uuid4().hex[:10]}"
    run_json(
        f"reseller create {key} --name Agency --owner owner@{key}.example --portal mail.{key}.example --smtp smtp.{key}.example"
    )
    return key


def test_a_resellers_plan_is_made_edited_listed_and_retired(made: str, run_json: RunJson) -> None:
    plan = run_json(f"plan create Basic 900 EUR --included 1000 --domains 3 --reseller {made}")
    edited = run_json(f"plan edit {plan['id']} --price 1200 --domains -1 --reseller {made}")
    assert (edited["name"], edited["price"], edited["domains"]) == ("Basic", 1200, None)
    assert run_json(f"plan list --reseller {made}") == [edited]
    assert run_json(f"plan retire {plan['id']} --yes --reseller {made}")["retired"] is True
    assert run_json(f"plan list --reseller {made}") == []
    assert len(run_json(f"plan list --all --reseller {made}")) == 1


def test_a_plan_may_ask_a_price_for_what_is_beyond_it(made: str, run: Run, run_json: RunJson) -> None:
    plan = run_json(f"plan create Basic 900 EUR --overage-price 120 --overage-limit 5000 --reseller {made}")
    assert (plan["overage_price"], plan["overage_limit"]) == (120, 5000)
    edit = f"plan edit {plan['id']} --reseller {made}"
    edited = run_json(f"{edit} --overage-price 90")
    assert (edited["overage_price"], edited["overage_limit"]) == (90, 5000)
    assert run_json(f"{edit} --overage-limit -1")["overage_limit"] is None
    account = run_json(f"account create Shop --reseller {made}")["id"]
    where = f"--reseller {made} --account {account}"
    run_json(f"plan subscribe {plan['id']} --paid {where}")
    shown = run_json(f"plan show {where}")
    assert [shown[f"overage{name}"] for name in ("", "_cost", "_price", "_limit")] == [0, 0, 90, None]
    assert run_json(f"{edit} --overage-price 0")["overage_price"] is None
    assert run(f"{edit} --overage-limit 5").exit_code == 2
    assert run(f"{edit} --overage-price -1").exit_code == 1


def test_an_account_gets_changes_and_cancels_a_plan(made: str, run: Run, run_json: RunJson) -> None:
    small = run_json(f"plan create Small 0 EUR --included 10 --trial-days 5 --reseller {made}")["id"]
    large = run_json(f"plan create Large 500 EUR --included 90 --smtp-accounts 1 --reseller {made}")["id"]
    account = run_json(f"account create Shop --reseller {made}")["id"]
    where = f"--reseller {made} --account {account}"
    assert run_json(f"plan subscribe {small} --trial {where}")["status"] == "trial"
    refused = run(f"plan subscribe {large} {where}")
    assert (refused.exit_code, "wallet" in refused.stderr) == (1, True)
    assert run_json(f"plan subscribe {large} --paid {where}")["status"] == "active"
    assert run_json(f"plan change {small} {where}")["charged"] == 0
    assert run_json(f"plan renew {where}") == run_json(f"plan pay {where}")
    run_json(f"plan cancel {where}")
    shown = run_json(f"plan show {where}")
    assert (shown["plan"], shown["status"], shown["included"], shown["used"]) == ("Large", "active", 90, 0)
    assert (shown["expires_at"], shown["most_smtp_accounts"]) == (shown["period_end"], 1)


def test_resellers_take_the_platforms_plans(made: str, run_json: RunJson) -> None:
    plan = run_json("plan create", f"For {made}", "0", "EUR", "--included", "7")["id"]
    run_json(f"plan subscribe {plan} --reseller {made}")
    assert run_json(f"plan show --reseller {made}")["included"] == 7
    run_json(f"plan retire {plan} --yes")


def test_caps_are_set_one_by_one_and_shown(made: str, run: Run, run_json: RunJson) -> None:
    account = run_json(f"account create Shop --cap 500 --reseller {made}")["id"]
    run_json(f"account cap set {account} --daily 50 --per-minute 5 --reseller {made}")
    run_json(f"account cap set {account} --no-per-minute --reseller {made}")
    shown = run_json(f"account cap show {account} --reseller {made}")
    assert (shown["monthly"], shown["daily"], shown["used_today"], shown["per_minute"]) == (500, 50, 0, None)
    assert run(f"account cap set {account} --daily 1 --no-daily --reseller {made}").exit_code == 2
    assert run(f"account cap set {account} --per-minute 0 --reseller {made}").exit_code == 1


def test_customers_are_capped_together(made: str, run_json: RunJson) -> None:
    assert run_json(f"account cap customers --reseller {made}") == {
        "customers_cap": None,
        "used_this_month": None,
    }
    capped = run_json(f"account cap customers --monthly 100 --reseller {made}")
    assert capped == {"customers_cap": 100, "used_this_month": 0}
    assert run_json(f"account cap customers --none --reseller {made}")["customers_cap"] is None
