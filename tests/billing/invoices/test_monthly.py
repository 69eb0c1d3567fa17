"""The monthly invoice: what is on it, for a sub-account and for a reseller, once a month."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from billing.invoices.agreed import Agreed, to_json
from billing.invoices.document import Document, InvoiceKind, LineKind
from billing.invoices.monthly.month import Month
from billing.invoices.monthly.services import bill_reseller, bill_sub_accounts
from billing.invoices.monthly.sources import lines_to_bill
from billing.invoices.profiles.services import set_platforms_profile, set_terms
from billing.invoices.queries import document_of, invoice_by_id, invoices_in, unpaid_invoices
from billing.invoices.services import record_payment
from billing.invoices.vat import Vat, VatCategory, VatNote
from billing.ledger.models import AccountMonth, LotOrigin
from billing.ledger.services import grant_credits
from billing.ledger.transfers import hand_over, take_back
from billing.money import Money
from billing.payments.models import Payment
from billing.payments.purchases import Good, Origin
from billing.payments.states import PaymentState
from billing.prices.services import set_price
from billing.wallet.services import WalletReason, charge_wallet, credit_wallet
from platform_core.clock import StoppedClock
from platform_core.database import ResellerRef, db, schema_of
from platform_core.errors import InvalidInput
from platform_core.migrations import owner_engine
from platform_core.settings import settings
from tenants.accounts.queries import main_account
from tenants.accounts.services import NewAccount, create_sub_account
from tenants.models import Account
from tests.billing.invoices.papers import LYON, TERMS

OCTOBER = StoppedClock(datetime(2026, 10, 12, 8, tzinfo=UTC))


def bought(rows: Session, account: Account, paid: int, units: int = 10_000, refunded: int = 0) -> Payment:
    """Credits paid by card in October."""
    payment = Payment(
        id=uuid4(),
        account_id=account.id,
        origin=Origin.CHECKOUT,
        good=Good.CREDITS,
        units=units,
        description=f"{units} credits",
        currency="EUR",
        asked=paid,
        paid=paid,
        refunded=refunded,
        state=PaymentState.PAID,
        created_at=OCTOBER.now(),
        paid_at=OCTOBER.now(),
    )
    rows.add(payment)
    rows.flush()
    return payment


def handed(rows: Session, account: Account, credits: int, *, back: int = 0) -> None:
    """Credits given in October at 0.80 EUR for a thousand, some of them taken back."""
    main = main_account(rows)
    grant_credits(rows, main, credits, clock=OCTOBER)
    set_price(rows, account, Money(80, "EUR"), clock=OCTOBER)
    hand_over(rows, main, account, credits, clock=OCTOBER)
    if back:
        take_back(rows, account, main, back, clock=OCTOBER)


def billed(reseller: ResellerRef, clock: StoppedClock) -> list[Document]:
    return [issued.document for issued in bill_sub_accounts(reseller, clock=clock) if issued.fresh]


def test_a_month_is_that_of_the_time_zone() -> None:
    at = datetime(2026, 11, 1, 2, tzinfo=UTC)
    assert Month.ended_before(at, "Europe/Vienna").first == date(2026, 10, 1)
    assert Month.ended_before(at, "America/New_York").first == date(2026, 9, 1)
    assert Month(date(2026, 2, 1), "UTC").last == date(2026, 2, 28)
    assert Month(date(2026, 10, 1), "Europe/Vienna").end == datetime(2026, 10, 31, 23, tzinfo=UTC)


def test_credits_that_were_handed_over_are_billed_less_what_came_back(
    rows: Session, customer: Account, reseller: ResellerRef, clock: StoppedClock
) -> None:
    handed(rows, customer, 25_000, back=5_000)
    rows.commit()
    (paper,) = billed(reseller, clock)
    assert [(line.kind, line.quantity, line.net) for line in paper.lines] == [
        (LineKind.CREDITS, 25_000, 2000),
        (LineKind.CREDITS, -5_000, -400),
    ]
    assert (paper.net, paper.tax, paper.due) == (1600, 320, 1920)
    assert (paper.since, paper.until) == (date(2026, 10, 1), date(2026, 10, 31))


def test_a_card_payment_includes_vat_and_leaves_nothing_due(
    rows: Session, customer: Account, reseller: ResellerRef, clock: StoppedClock
) -> None:
    bought(rows, customer, 2400)
    rows.commit()
    (paper,) = billed(reseller, clock)
    assert (paper.net, paper.tax, paper.paid, paper.due) == (2000, 400, 2400, 0)


@pytest.mark.parametrize("prices", [(3,), (1999, 1999, 3), (5, 5, 5, 5, 5), (100_001, 7)])
def test_whatever_was_paid_nothing_is_due_to_the_cent(
    rows: Session, customer: Account, reseller: ResellerRef, clock: StoppedClock, prices: tuple[int, ...]
) -> None:
    for price in prices:
        bought(rows, customer, price)
    rows.commit()
    (paper,) = billed(reseller, clock)
    assert (paper.paid, paper.due) == (sum(prices), 0)
    assert abs(paper.rounding) <= len(prices)


def test_what_went_back_before_it_was_billed_is_not_billed(
    rows: Session, customer: Account, reseller: ResellerRef, clock: StoppedClock
) -> None:
    bought(rows, customer, 2400, refunded=2400)
    bought(rows, customer, 2400, refunded=1200)
    rows.commit()
    (paper,) = billed(reseller, clock)
    assert (paper.paid, paper.due) == (1200, 0)


def test_what_went_back_before_it_was_billed_is_not_credited_either(
    rows: Session, customer: Account, reseller: ResellerRef, clock: StoppedClock
) -> None:
    payment = bought(rows, customer, 2400, refunded=1200)
    rows.commit()
    for refunded, credited in ((1200, 0), (1800, 600), (2400, 1200)):
        payment.refunded = refunded
        rows.commit()
        billed(reseller, clock)
        billed(reseller, clock)
        assert invoices_in(rows)[-1].credited.amount == credited


def test_what_goes_back_by_card_pays_for_nothing_else_on_the_invoice(
    rows: Session, customer: Account, reseller: ResellerRef, clock: StoppedClock
) -> None:
    payment = bought(rows, customer, 2400)
    handed(rows, customer, 25_000)
    rows.commit()
    billed(reseller, clock)
    for refunded in (600, 2400):
        payment.refunded = refunded
        rows.commit()
        billed(reseller, clock)
        assert invoices_in(rows)[-1].open.amount == 2400


def test_what_goes_back_after_it_was_billed_is_credited_once(
    rows: Session, customer: Account, reseller: ResellerRef, clock: StoppedClock
) -> None:
    payment = bought(rows, customer, 2400)
    rows.commit()
    billed(reseller, clock)
    for refunded, credited in ((600, 600), (600, 600), (2400, 2400)):
        payment.refunded = refunded
        rows.commit()
        assert billed(reseller, clock) == []
        listed = {one.kind: one for one in invoices_in(rows)}
        assert listed[InvoiceKind.INVOICE].credited.amount == credited
    assert len(invoices_in(rows)) == 3


def test_money_in_a_wallet_is_billed_when_it_is_spent(
    rows: Session, customer: Account, reseller: ResellerRef, clock: StoppedClock
) -> None:
    credit_wallet(
        rows, customer, Money(10_000, "EUR"), reason=WalletReason.PAID_IN, reference="a", clock=OCTOBER
    )
    rows.commit()
    assert billed(reseller, clock) == []
    charge_wallet(
        rows,
        customer,
        Money(5880, "EUR"),
        reason=WalletReason.CHARGED,
        reference="plan/2026-10-12",
        clock=OCTOBER,
        note="Growth",
    )
    rows.commit()
    (paper,) = billed(reseller, clock)
    assert [(line.kind, line.detail, line.net) for line in paper.lines] == [(LineKind.PLAN, "Growth", 4900)]


def test_a_month_is_billed_once_and_what_comes_late_is_on_the_next(
    rows: Session, customer: Account, reseller: ResellerRef, clock: StoppedClock
) -> None:
    handed(rows, customer, 25_000)
    rows.commit()
    assert len(billed(reseller, clock)) == 1
    bought(rows, customer, 2400)
    rows.commit()
    assert billed(reseller, clock) == []
    clock.advance(timedelta(days=31))
    (paper,) = billed(reseller, clock)
    assert [line.net for line in paper.lines] == [2000]


def test_what_is_taken_back_waits_for_something_to_set_it_off_against(
    rows: Session, customer: Account, reseller: ResellerRef, clock: StoppedClock
) -> None:
    handed(rows, customer, 25_000)
    rows.commit()
    billed(reseller, clock)
    take_back(rows, customer, main_account(rows), 5_000, clock=clock)
    rows.commit()
    clock.advance(timedelta(days=31))
    assert billed(reseller, clock) == []
    bought(rows, customer, 2400)
    rows.commit()
    (paper,) = billed(reseller, clock)
    assert sorted(line.net for line in paper.lines) == [-400, 2000]


def test_usage_is_told_by_account(
    rows: Session, customer: Account, reseller: ResellerRef, clock: StoppedClock
) -> None:
    handed(rows, customer, 25_000)
    rows.commit()
    write_usage(reseller, customer, accepted=1234, from_plan=1000)
    (paper,) = billed(reseller, clock)
    assert [
        (row.account, row.accepted, row.from_plan, row.from_credits, row.overage) for row in paper.usage
    ] == [("Muster", 1234, 1000, 234, 0)]


def test_usage_is_told_once_where_a_month_has_two_invoices(
    rows: Session, customer: Account, reseller: ResellerRef, clock: StoppedClock
) -> None:
    agreed = Agreed(2000, 0, Vat(VatCategory.REVERSE_CHARGE, 0, VatNote.REVERSE_CHARGE), LYON)
    bought(rows, customer, 2000).agreed = to_json(agreed)
    bought(rows, customer, 2400)
    rows.commit()
    write_usage(reseller, customer, accepted=1234, from_plan=1000)
    papers = billed(reseller, clock)
    assert [(paper.buyer.legal_name, paper.gross) for paper in papers] == [
        ("Muster KG", 2400),
        ("Fleurs SARL", 2000),
    ]
    assert [len(paper.usage) for paper in papers] == [1, 0]


def test_a_reseller_that_has_not_said_how_it_bills_bills_nobody(
    reseller: ResellerRef, clock: StoppedClock
) -> None:
    assert bill_sub_accounts(reseller, clock=clock) == []


def test_one_customer_without_a_profile_does_not_keep_others_from_theirs(
    rows: Session, customer: Account, reseller: ResellerRef, clock: StoppedClock
) -> None:
    nameless = create_sub_account(rows, NewAccount("Anon"))
    handed(rows, nameless, 1_000)
    handed(rows, customer, 1_000)
    rows.commit()
    assert [paper.buyer.legal_name for paper in billed(reseller, clock)] == ["Muster KG"]


def test_an_invoice_is_open_until_it_is_paid(
    rows: Session, customer: Account, reseller: ResellerRef, clock: StoppedClock
) -> None:
    handed(rows, customer, 25_000)
    rows.commit()
    (issued,) = bill_sub_accounts(reseller, clock=clock)
    late = date(2026, 12, 24)
    assert [one.open.amount for one in unpaid_invoices(rows, due_before=late)] == [2400]
    assert unpaid_invoices(rows, due_before=date(2026, 11, 16)) == []
    part = record_payment(rows, issued.id, Money(1000, "EUR"), reference="bank 1", clock=clock)
    again = record_payment(rows, issued.id, Money(1000, "EUR"), reference="bank 1", clock=clock)
    assert (part.open.amount, part.written, again.open.amount, again.written) == (1400, True, 1400, False)
    record_payment(rows, issued.id, Money(1400, "EUR"), reference="bank 2", clock=clock)
    assert unpaid_invoices(rows, due_before=late) == []
    with pytest.raises(InvalidInput):
        record_payment(rows, issued.id, Money(1, "USD"), reference="bank 3", clock=clock)


@pytest.fixture
def platform(rows: Session) -> Session:
    """The platform's rows, with a profile and terms; other tests may have left invoices there."""
    session = db.session()
    set_platforms_profile(session, LYON)
    set_terms(session, TERMS)
    session.commit()
    return session


def test_the_platform_bills_a_reseller_for_its_stock_and_tells_what_each_account_sent(
    platform: Session, rows: Session, customer: Account, reseller: ResellerRef, clock: StoppedClock
) -> None:
    main = main_account(rows)
    cost = Money(8000, "EUR")
    grant_credits(rows, main, 100_000, clock=OCTOBER, origin=LotOrigin.BOUGHT, cost=cost)
    paid_for = grant_credits(rows, main, 10_000, clock=OCTOBER, origin=LotOrigin.BOUGHT, cost=cost)
    bought(rows, main, 8000).lots = [paid_for.lot_id]
    rows.commit()
    write_usage(reseller, main, accepted=10, from_plan=10)
    write_usage(reseller, customer, accepted=500, from_plan=0)
    (issued,) = bill_reseller(reseller, clock=clock)
    paper = document_of(invoice_by_id(platform, issued.id, buyer_id=reseller.id))
    assert (paper.seller.legal_name, paper.buyer.legal_name) == ("Fleurs SARL", "Acme Mail GmbH")
    assert paper.vat_category == "AE"
    assert sorted((line.quantity, line.net) for line in paper.lines) == [(10_000, 8000), (100_000, 8000)]
    assert (paper.paid, paper.due) == (8000, 8000)
    assert [(row.account, row.accepted) for row in paper.usage] == [("Acme Mail", 10), ("Muster", 500)]


def test_every_line_has_a_source_of_its_own(rows: Session, customer: Account) -> None:
    handed(rows, customer, 2_000, back=1_000)
    bought(rows, customer, 2400)
    month = Month(date(2026, 10, 1), "UTC")
    sources = [line.source for line in lines_to_bill(rows, customer, month, "EUR")]
    assert len(set(sources)) == len(sources) == 3
    assert all(sources)
    assert lines_to_bill(rows, customer, month, "USD") == []


def write_usage(reseller: ResellerRef, account: Account, *, accepted: int, from_plan: int) -> None:
    """As acceptance does, which alone may."""
    table = f"{schema_of(reseller.key)}.{AccountMonth.__tablename__}"
    with owner_engine(settings()) as engine, engine.begin() as connection:
        connection.execute(
            text(
                f"INSERT INTO {table} (account_id, month, accepted, from_plan) VALUES (:id, '2026-10-01', :a, :p)"
            ),
            {"id": account.id, "a": accepted, "p": from_plan},
        )
