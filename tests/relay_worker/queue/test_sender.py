"""What workers are told of whose mark a message bears."""

from dataclasses import replace

import pytest

from platform_core.database import tenant_session
from platform_core.security import Seal
from relay_worker.queue.claims import SenderIdentity
from tenants.accounts.queries import account_by_id, main_account
from tenants.accounts.services import choose_for_mail, mail_choices
from tenants.domains.services import add_domain
from tenants.models import DomainState
from tenants.resellers.signing_domain import set_signing_domain
from tests.relay_worker.queue.conftest import OpenAccount
from tests.relay_worker.queue.desk import Desk, Sender, Worker

SEAL = Seal("a-secret-key-for-tests-that-opens-nothing")


def identity(desk: Desk, worker: Worker, sender: Sender, account_id: int | None = None) -> SenderIdentity:
    account = sender.account_id if account_id is None else account_id
    found: SenderIdentity = desk.run(worker.claims.sender(sender.reseller.id, account, "shop.example"))
    return found


def test_what_an_account_asks_of_its_mail_is_told(desk: Desk, account: OpenAccount, worker: Worker) -> None:
    sender = account()
    before = identity(desk, worker, sender)
    with tenant_session(sender.reseller) as session:
        found = account_by_id(session, sender.account_id)
        choices = replace(mail_choices(found), list_unsubscribe=True, require_tls=True)
        choose_for_mail(session, found, choices)
        session.commit()
    after = identity(desk, worker, sender)
    assert (before.list_unsubscribe, before.require_tls) == (False, False)
    assert (after.list_unsubscribe, after.require_tls) == (True, True)
    assert after.tracking_host == f"tracking.{sender.reseller.key}.example"


@pytest.mark.parametrize(("state", "signs"), [(DomainState.PENDING, False), (DomainState.VERIFIED, True)])
def test_the_resellers_own_domain_signs_once_it_is_verified(
    desk: Desk, account: OpenAccount, worker: Worker, state: DomainState, signs: bool
) -> None:
    sender = account(2)
    with tenant_session(sender.reseller) as session:
        made = set_signing_domain(session, "agency.example", seal=SEAL)
        made.state = state
        session.commit()
    for account_id in (sender.account_id, 0):  # also for reports of the reseller itself
        second = identity(desk, worker, sender, account_id).second
        assert (second is not None) is signs
        assert second is None or (second.domain, second.sealed) == ("agency.example", made.sealed_key)


def test_the_resellers_own_letters_bear_the_key_of_its_main_accounts_domain_and_of_no_other(
    desk: Desk, account: OpenAccount, worker: Worker
) -> None:
    sender = account(1)
    with tenant_session(sender.reseller) as session:
        main = main_account(session)
        add_domain(session, main.id, f"{sender.reseller.key}.example", seal=SEAL).state = DomainState.VERIFIED
        add_domain(session, sender.account_id, "customer.example", seal=SEAL).state = DomainState.VERIFIED
        session.commit()

    def sealed(domain: str) -> bytes | None:
        found: SenderIdentity = desk.run(worker.claims.sender(sender.reseller.id, 0, domain))
        return found.sealed_key

    assert sealed(f"{sender.reseller.key}.example") is not None
    assert sealed("customer.example") is None
