"""What an account has used and may still send, and that the ledger adds up to it."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask

from billing.ledger.queries import Usage, credits_left, entries_of, lots_of, usage_of
from billing.ledger.services import grant_credits
from platform_core.clock import StoppedClock, SystemClock
from platform_core.database import ResellerRef, tenant_session
from platform_core.ids import AccountId, SmtpAccountId, new_message_id
from platform_core.security import SecretVerifier
from platform_core.settings import settings
from relay_worker.queue.door import Submission, Verdict
from relay_worker.queue.postgres import PostgresDoor, open_pool
from tenants.accounts.services import NewAccount, create_sub_account
from tenants.models import Account
from tenants.smtp_accounts.services import create_smtp_account

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)


class Customer:
    """An account that sends, with the books open."""

    def __init__(self, reseller: ResellerRef, new: NewAccount, *credits: int) -> None:
        self.reseller = reseller
        with tenant_session(reseller) as session:
            account = create_sub_account(session, new)
            verifier = SecretVerifier(settings().secret_key.get_secret_value())
            login = create_smtp_account(session, account.id, "Shop", verifier=verifier)
            for lot in credits:
                grant_credits(session, account, lot, clock=StoppedClock(NOON))
            session.commit()
            self.id: AccountId = account.id
            self.login: SmtpAccountId = login.smtp_account.id

    def usage(self, at: datetime = NOON) -> Usage:
        with tenant_session(self.reseller) as session:
            return usage_of(session, session.get_one(Account, self.id), clock=StoppedClock(at))

    def send(self, recipients: int, at: datetime = NOON) -> Verdict:
        submission = Submission(
            message_id=new_message_id(SystemClock().now()),
            reseller_id=self.reseller.id,
            account_id=self.id,
            smtp_account_id=self.login,
            received_at=at,
            mail_from="",
            rcpt_to=tuple(f"{n}@example.org" for n in range(recipients)),
            header_from="a@shop.example",
            subject="",
            message_id_header="",
            smtputf8=False,
            body_8bit=False,
            client_address="",
            client_helo="",
            tls_version="",
            raw=b"\r\n",
        )

        async def ingest() -> Verdict:
            async with await open_pool(settings(), size=1) as pool:
                [verdict] = await PostgresDoor(pool, StoppedClock(at)).ingest([submission])
            return verdict

        return asyncio.run(ingest())


def test_a_fresh_account_has_all_before_it(app: Flask, reseller: ResellerRef) -> None:
    customer = Customer(reseller, NewAccount("Shop", monthly_cap=100, plan_quota=10), 50)
    assert customer.usage() == Usage(
        month=date(2026, 11, 1), used=0, monthly_cap=100, plan_quota=10, plan_left=10, credits_left=50
    )


def test_usage_says_what_acceptance_goes_by(app: Flask, reseller: ResellerRef) -> None:
    customer = Customer(reseller, NewAccount("Shop", plan_quota=3), 4)
    assert customer.send(5) is Verdict.ACCEPTED
    usage = customer.usage()
    assert (usage.used, usage.plan_left, usage.credits_left) == (5, 0, 2)
    assert customer.send(3) is Verdict.CREDITS_EXHAUSTED
    assert customer.usage() == usage
    assert customer.send(2) is Verdict.ACCEPTED


def test_a_new_month_begins_with_a_new_plan_where_the_account_is(app: Flask, reseller: ResellerRef) -> None:
    customer = Customer(reseller, NewAccount("Shop", "Pacific/Auckland", plan_quota=2))
    midnight = datetime(2026, 10, 31, 11, tzinfo=UTC)  # 1 November in Auckland, in summer time
    before = midnight - timedelta(seconds=1)
    assert customer.send(2, before) is Verdict.ACCEPTED
    assert (customer.usage(before).month, customer.usage(before).plan_left) == (date(2026, 10, 1), 0)
    assert (customer.usage(midnight).month, customer.usage(midnight).plan_left) == (date(2026, 11, 1), 2)
    assert customer.usage(midnight).used == 0


def test_lapsed_credits_are_not_left(app: Flask, reseller: ResellerRef) -> None:
    customer = Customer(reseller, NewAccount("Shop"), 7)
    lapses = NOON.replace(year=2027)
    assert customer.usage(lapses - timedelta(microseconds=1)).credits_left == 7
    assert customer.usage(lapses).credits_left == 0


def test_a_plan_made_smaller_than_its_use_leaves_nothing_and_not_less(
    app: Flask, reseller: ResellerRef
) -> None:
    customer = Customer(reseller, NewAccount("Shop", plan_quota=5))
    customer.send(4)
    with tenant_session(reseller) as session:
        session.get_one(Account, customer.id).plan_quota = 1
        session.commit()
    assert customer.usage().plan_left == 0


@pytest.mark.parametrize(
    ("used", "cap", "share"),
    [(0, None, None), (0, 10, 0.0), (5, 10, 0.5), (10, 10, 1.0), (12, 10, 1.0), (0, 0, 1.0)],
)
def test_the_share_of_the_cap_is_never_above_all(used: int, cap: int | None, share: float | None) -> None:
    usage = Usage(date(2026, 11, 1), used, cap, plan_quota=0, plan_left=0, credits_left=0)
    assert usage.share_of_cap == share


def test_the_ledger_adds_up_to_what_is_left_and_newest_lines_come_first(
    app: Flask, reseller: ResellerRef
) -> None:
    customer = Customer(reseller, NewAccount("Shop"), 2, 10)
    for recipients in 1, 3, 2:
        assert customer.send(recipients) is Verdict.ACCEPTED
    with tenant_session(reseller) as session:
        entries = entries_of(session, customer.id)
        assert sum(entry.credits for entry in entries) == credits_left(session, customer.id, NOON) == 6
        assert [entry.credits for entry in entries] == [-2, -2, -1, -1, 10, 2]
        assert [lot.remaining for lot in lots_of(session, customer.id)] == [6]
        assert len(entries_of(session, customer.id, limit=3)) == 3


def test_one_accounts_books_are_not_anothers(app: Flask, reseller: ResellerRef) -> None:
    one, other = (Customer(reseller, NewAccount(name, plan_quota=1), 5) for name in ("One", "Other"))
    assert one.send(3) is Verdict.ACCEPTED
    usage = other.usage()
    assert (usage.used, usage.plan_left, usage.credits_left) == (0, 1, 5)
