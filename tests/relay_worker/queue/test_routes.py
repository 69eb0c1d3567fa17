"""What the relay and the workers read through the door: logins, host names, sender identities, bodies."""

from uuid import uuid4

import pytest

from platform_core.clock import StoppedClock, SystemClock
from platform_core.database import db, tenant_session
from platform_core.errors import Unavailable
from platform_core.ids import ResellerId, new_message_id
from platform_core.security import Seal, SecretVerifier
from relay_worker.queue.door import Route
from relay_worker.queue.postgres import PostgresClaims, PostgresDoor
from tenants.domains.services import add_domain
from tenants.hostnames.certificates import CertificatePair
from tenants.hostnames.services import set_certificate
from tests.relay_worker.queue.conftest import OpenAccount
from tests.relay_worker.queue.desk import NOON, Desk, Sender, owner_connection


def route_of(desk: Desk, sender: Sender) -> Route:
    route: Route = desk.run(PostgresDoor(desk.pool, StoppedClock(NOON)).route(sender.user_name))
    return route


def add_domains(desk: Desk, sender: Sender, **states: str) -> None:
    with tenant_session(sender.reseller) as session:
        for name, state in states.items():
            domain = add_domain(
                session,
                sender.account_id,
                f"{name}.example",
                seal=Seal(desk.settings.secret_key.get_secret_value()),
            )
            domain.state = state
        session.commit()


def test_a_user_name_leads_to_reseller_and_account(desk: Desk, account: OpenAccount) -> None:
    sender = account()
    route = route_of(desk, sender)
    assert (route.reseller_id, route.account_id) == (sender.reseller.id, sender.account_id)
    assert route.smtp_account_id == sender.smtp_account_id
    assert route.reseller_active and route.account_active and route.credential_active
    assert route.smtp_host == f"smtp.{sender.reseller.key}.example"
    assert SecretVerifier(desk.settings.secret_key.get_secret_value()).matches(sender.secret, route.verifier)


def test_nobody_has_an_unknown_user_name(desk: Desk) -> None:
    assert desk.run(PostgresDoor(desk.pool, StoppedClock(NOON)).route(uuid4().hex)) is None


@pytest.mark.parametrize(
    ("table", "field"), [("account", "account_active"), ("smtp_account", "credential_active")]
)
def test_a_route_says_what_is_suspended(desk: Desk, account: OpenAccount, table: str, field: str) -> None:
    sender = account()
    sender.change(table, state="suspended")
    assert getattr(route_of(desk, sender), field) is False


def test_a_route_names_verified_domains_alone(desk: Desk, account: OpenAccount) -> None:
    sender, other = account(), account()
    add_domains(desk, sender, verified="verified", pending="pending")
    add_domains(desk, other, another="verified")
    assert route_of(desk, sender).domains == {"verified.example"}


def test_a_deleted_login_leads_nowhere(desk: Desk, account: OpenAccount) -> None:
    sender = account()
    with owner_connection(sender.reseller) as connection:
        connection.execute("DELETE FROM smtp_account WHERE id = %s", (sender.smtp_account_id,))
    assert route_of(desk, sender) is None


def test_host_names_come_with_their_certificates_and_only_those_for_smtp(
    desk: Desk, account: OpenAccount
) -> None:
    reseller = account().reseller
    pair = CertificatePair(b"chain", b"key")
    set_certificate(db.session(), reseller.id, f"smtp.{reseller.key}.example", pair, seal=Seal("x" * 32))
    db.session.commit()
    names = desk.run(PostgresDoor(desk.pool, StoppedClock(NOON)).hostnames())
    [name] = [name for name in names if name.reseller_id == reseller.id]
    assert (name.name, name.certificate) == (f"smtp.{reseller.key}.example", b"chain")
    assert name.sealed_key is not None and Seal("x" * 32).open(name.sealed_key) == b"key"


def test_a_sender_signs_with_its_domains_key(desk: Desk, account: OpenAccount) -> None:
    sender = account()
    add_domains(desk, sender, signing="verified")
    claims = PostgresClaims(desk.pool, desk.settings)
    identity = desk.run(claims.sender(sender.reseller.id, sender.account_id, "signing.example"))
    assert identity.selector and identity.sealed_key
    assert identity.return_path_host == f"return-path.{sender.reseller.key}.example"
    sender.rows("UPDATE domain SET return_path_verified = true WHERE account_id = %(account)s RETURNING id")
    identity = desk.run(claims.sender(sender.reseller.id, sender.account_id, "signing.example"))
    assert identity.return_path_host.endswith(".signing.example")


def test_nobody_signs_for_a_domain_of_another_account(desk: Desk, account: OpenAccount) -> None:
    sender, other = account(), account()
    add_domains(desk, other, foreign="verified")
    claims = PostgresClaims(desk.pool, desk.settings)
    identity = desk.run(claims.sender(sender.reseller.id, sender.account_id, "foreign.example"))
    assert (identity.sealed_key, identity.selector) == (None, "")


def test_a_body_that_is_not_there_is_a_fault(desk: Desk, account: OpenAccount) -> None:
    reseller: ResellerId = account().reseller.id
    with pytest.raises(Unavailable):
        desk.worker().body(reseller, new_message_id(SystemClock().now()))
