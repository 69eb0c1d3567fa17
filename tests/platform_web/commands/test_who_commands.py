"""`frankpost reseller`, `account`, `user`, `smtp-account`, `hostname`, `staff`: through the real database."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from click.testing import Result
from sqlalchemy import create_engine, select

from platform_core.database import ResellerRef, db, owner_url, tenant_session
from platform_core.security import SecretVerifier, password_matches
from platform_core.settings import settings
from tenants.models import SmtpRoute
from tenants.users.queries import the_staff, the_user

Run = Callable[..., Result]
RunJson = Callable[..., Any]


@pytest.fixture
def key() -> str:
    return f"c{uuid4().hex[:12]}"


@pytest.fixture
def made(key: str, run_json: RunJson) -> str:
    """The key of a reseller that the command line has made."""
    run_json(
        f"reseller create {key} --owner o@{key}.example --portal p.{key}.example --smtp s.{key}.example",
        "--name",
        "An Agency",
    )
    return key


def test_a_reseller_is_created_shown_and_listed(made: str, run_json: RunJson) -> None:
    shown = run_json(f"reseller show {made}")
    assert (shown["name"], shown["state"]) == ("An Agency", "active")
    assert {host["purpose"]: host["name"] for host in shown["hostnames"]} == {
        "portal": f"p.{made}.example",
        "smtp": f"s.{made}.example",
    }
    assert made in [one["key"] for one in run_json("reseller list")]


def test_the_owners_password_is_shown_once_and_works(key: str, run_json: RunJson, app: object) -> None:
    created = run_json(
        f"reseller create {key} --name A --owner o@{key}.example --portal p.{key}.example --smtp s.{key}.example"
    )
    with tenant_session(ResellerRef(created["id"], created["key"])) as session:
        owner = the_user(session, created["owner_email"])
        assert password_matches(created["owner_password"], owner.password_hash)


def test_a_reseller_is_suspended_and_resumed(made: str, run_json: RunJson) -> None:
    assert run_json(f"reseller suspend {made}")["state"] == "suspended"
    assert run_json(f"reseller show {made}")["state"] == "suspended"
    assert run_json(f"reseller resume {made}")["state"] == "active"


def test_deleting_a_reseller_asks_first(made: str, run: Run) -> None:
    refused = run(f"reseller delete {made}", input="n\n")
    assert refused.exit_code == 1
    assert run(f"reseller show {made}").exit_code == 0


def test_a_deleted_reseller_is_gone(made: str, run: Run) -> None:
    assert run(f"reseller delete {made} --yes").exit_code == 0
    gone = run(f"reseller show {made}")
    assert gone.exit_code == 1
    assert "There is no reseller" in gone.stderr


def test_a_reseller_with_mail_logins_and_credits_can_be_deleted(
    made: str, run: Run, run_json: RunJson
) -> None:
    run_json(f"smtp-account create Shop --reseller {made}")
    run_json(f"credits grant 5 --reseller {made}")
    assert run(f"reseller delete {made} --yes").exit_code == 0
    assert run(f"account list --reseller {made}").exit_code == 1


def test_sub_accounts_are_made_listed_and_limited(made: str, run_json: RunJson) -> None:
    account = run_json(
        f"account create Shop --cap 100 --quota 50 --time-zone Europe/Vienna --reseller {made}"
    )
    assert (account["monthly_cap"], account["plan_quota"]) == (100, 50)
    limited = run_json(f"account limit {account['id']} --no-cap --reseller {made}")
    assert (limited["monthly_cap"], limited["plan_quota"]) == (None, 50)
    listed = run_json(f"account list --reseller {made}")
    assert [one["kind"] for one in listed] == ["main", "sub"]
    assert run_json(f"account show main --reseller {made}")["kind"] == "main"


def test_an_account_is_suspended_and_resumed(made: str, run_json: RunJson) -> None:
    assert run_json(f"account suspend main --reseller {made}")["state"] == "suspended"
    assert run_json(f"account show main --reseller {made}")["state"] == "suspended"
    assert run_json(f"account resume main --reseller {made}")["state"] == "active"


@pytest.mark.parametrize("options", ["", "--cap 5 --no-cap", "--cap many"])
def test_limits_that_make_no_sense_are_wrong_usage(made: str, run: Run, options: str) -> None:
    assert run(f"account limit main {options} --reseller {made}").exit_code == 2


def test_an_unknown_time_zone_is_refused(made: str, run: Run) -> None:
    refused = run(f"account create Shop --time-zone Mars/Base --reseller {made}")
    assert refused.exit_code == 1
    assert "Mars/Base" in refused.stderr


def test_a_user_is_made_suspended_and_given_a_password(made: str, run_json: RunJson, app: object) -> None:
    added = run_json(f"user create Jo@Shop.example --role member --reseller {made}")
    assert len(added["password"]) >= 10
    assert run_json(f"user suspend jo@shop.example --reseller {made}")["state"] == "suspended"
    assert run_json(f"user resume jo@shop.example --reseller {made}")["state"] == "active"
    changed = run_json(
        f"user password jo@shop.example --password-stdin --reseller {made}", input="correct horse\n"
    )
    assert changed["password"] == "correct horse"
    roles = {one["email"]: one["role"] for one in run_json(f"user list --reseller {made}")}
    assert roles == {f"o@{made}.example": "owner", "jo@shop.example": "member"}


@pytest.mark.parametrize(("password", "code"), [("short\n", 1), ("\n", 2), ("", 2)])
def test_a_bad_password_on_standard_input_is_never_replaced_by_another(
    made: str, run: Run, password: str, code: int
) -> None:
    result = run(f"user create jo@shop.example --password-stdin --reseller {made}", input=password)
    assert result.exit_code == code
    assert "jo@shop.example" not in run(f"user list --reseller {made}").stdout


def test_an_smtp_account_lives_from_creation_to_deletion(made: str, run: Run, run_json: RunJson) -> None:
    login = run_json(f"smtp-account create Shop --reseller {made}")
    number = login["id"]
    rotated = run_json(f"smtp-account rotate {number} --yes --reseller {made}")
    assert rotated["user_name"] == login["user_name"]
    assert rotated["secret"] != login["secret"]
    assert run_json(f"smtp-account suspend {number} --reseller {made}")["state"] == "suspended"
    assert run_json(f"smtp-account resume {number} --reseller {made}")["state"] == "active"
    assert "secret" not in run_json(f"smtp-account list --reseller {made}")[0]
    assert run(f"smtp-account delete {number} --yes --reseller {made}").exit_code == 0
    assert run_json(f"smtp-account list --reseller {made}") == []


def test_the_secret_shown_is_the_one_the_relay_takes(made: str, run_json: RunJson, app: object) -> None:
    login = run_json(f"smtp-account create Shop --reseller {made}")
    engine = create_engine(owner_url(settings()))  # the table is the relay's; only its owner may look
    with engine.connect() as connection:
        verifier = connection.scalar(
            select(SmtpRoute.verifier).where(SmtpRoute.user_name == login["user_name"])
        )
    engine.dispose()
    assert SecretVerifier(settings().secret_key.get_secret_value()).matches(login["secret"], verifier)


def test_another_accounts_login_is_not_found(made: str, run: Run, run_json: RunJson) -> None:
    account = run_json(f"account create Shop --reseller {made}")
    login = run_json(f"smtp-account create Own --reseller {made}")
    refused = run(f"smtp-account suspend {login['id']} --account {account['id']} --reseller {made}")
    assert refused.exit_code == 1


def test_hostnames_are_added_listed_and_removed(made: str, run: Run, run_json: RunJson) -> None:
    added = run_json(f"hostname add RP.{made}.example --purpose return_path --reseller {made}")
    assert added["name"] == f"rp.{made}.example"
    assert len(run_json(f"hostname list --reseller {made}")) == 3
    assert run(f"hostname remove rp.{made}.example --yes --reseller {made}").exit_code == 0
    assert len(run_json(f"hostname list --reseller {made}")) == 2


def test_a_hostname_of_another_reseller_is_not_removed(made: str, run: Run, reseller: ResellerRef) -> None:
    assert run(f"hostname remove p.{made}.example --yes --reseller {reseller.key}").exit_code == 1


def test_the_consoles_own_name_is_no_resellers(key: str, made: str, run: Run) -> None:
    console = settings().platform_host.upper()
    for command in (
        f"hostname add {console} --purpose portal --reseller {made}",
        f"reseller create {key}x --name Agency --owner o@{key}.example --portal {console} --smtp s.{key}x.example",
    ):
        refused = run(command)
        assert refused.exit_code == 1
        assert "is already in use" in refused.stderr
    assert run(f"reseller show {key}x").exit_code == 1


def test_staff_is_made_suspended_and_given_a_password(
    key: str, run: Run, run_json: RunJson, app: object
) -> None:
    email = f"{key}@platform.example"
    run_json(f"staff create {email} --name Kim")
    assert run_json(f"staff suspend {email}")["state"] == "suspended"
    assert run_json(f"staff resume {email}")["state"] == "active"
    password = run_json(f"staff password {email}")["password"]
    assert password_matches(password, the_staff(db.session(), email).password_hash)
    assert email in [one["email"] for one in run_json("staff list")]
    assert run(f"staff create {email} --name Kim").exit_code == 1


def test_a_signing_domain_is_set_shown_and_removed(made: str, run: Run, run_json: RunJson) -> None:
    added = run_json(f"reseller signing-domain set {made} Agency.example")
    assert (added["name"], added["state"], added["record_type"]) == ("agency.example", "pending", "TXT")
    assert added["record_value"].startswith("v=DKIM1; k=rsa; p=")
    assert run_json(f"reseller signing-domain show {made}") == added
    assert run(f"reseller signing-domain remove {made} --yes").exit_code == 0
    assert run(f"reseller signing-domain show {made}").exit_code == 1


def test_what_an_account_asks_of_its_mail_is_set_one_by_one(made: str, run_json: RunJson) -> None:
    before = run_json(f"account settings main --reseller {made}")
    assert (before["list_unsubscribe"], before["require_tls"]) == (False, False)
    changed = run_json(f"account settings main --require-tls --reseller {made}")
    assert (changed["list_unsubscribe"], changed["require_tls"]) == (False, True)
    changed = run_json(f"account settings main --list-unsubscribe --no-require-tls --reseller {made}")
    assert (changed["list_unsubscribe"], changed["require_tls"]) == (True, False)
