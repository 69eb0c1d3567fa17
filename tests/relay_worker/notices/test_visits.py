"""Whom the job looks at: resellers whose senders wait for a report."""

from flask import Flask
from structlog.testing import capture_logs

from platform_core.database import ResellerRef, db
from platform_core.mail.states import RecipientState
from tenants.pending.jobs import find_lost
from tenants.pending.kinds import Work
from tenants.pending.queries import pending
from tests.relay_worker.notices.conftest import Shop
from tests.relay_worker.queue.desk import locked_out, owner_connection


def waits(shop: Shop) -> bool:
    db.session.rollback()
    return shop.sender.reseller in [one.reseller for one in pending(db.session(), Work.NOTICES)]


def settle(shop: Shop) -> None:
    """Whatever earlier tests have left open."""
    shop.sender.rows("UPDATE recipient SET dsn_settled = true RETURNING n")
    shop.sender.rows("UPDATE notice SET closed_at = now() RETURNING n")
    shop.run_job()
    assert not waits(shop)


def test_mail_that_asks_for_nothing_is_no_reason_to_look(shop: Shop) -> None:
    settle(shop)
    shop.refused(shop.send(asked="")[0])
    assert not waits(shop)


def test_a_reseller_is_looked_at_until_its_report_is_sent(shop: Shop) -> None:
    settle(shop)
    (claimed,) = shop.send()
    shop.run_job()
    assert waits(shop)
    shop.refused(claimed)
    assert len(shop.told()) == 1
    assert not waits(shop)


def test_mail_that_an_allotment_pays_for_is_looked_at_once_it_is_in_the_tables(shop: Shop) -> None:
    settle(shop)
    sender = shop.sender
    sender.grant(10_000)
    for asked in ((), (), ("NOTIFY=SUCCESS,FAILURE",)):
        shop.desk.ingest(sender.message(rcpt_dsn=asked), allotment=1000)
    assert sender.count("message") == 2  # the third is logged, and its content kept
    shop.run_job()
    asking = shop.worker.claim()[-1]
    shop.refused(asking)
    assert waits(shop)
    assert [report.rcpt_to for report in shop.told()] == ["bounces@shop.example"]


def test_a_bounce_that_comes_late_has_the_reseller_looked_at_again(shop: Shop) -> None:
    settle(shop)
    (claimed,) = shop.send(asked="NOTIFY=FAILURE")
    shop.ends(claimed, RecipientState.DELIVERED)
    assert shop.told() == []
    assert not waits(shop)
    with owner_connection() as books:
        books.execute(
            "SELECT relay.apply_feedback(%s, ROW('bounced', now(), 'report', %s, 0, NULL, NULL, NULL, NULL, 'hard',"
            " 'no_such_address', 550, '5.1.1', 'no such user', '')::relay.feedback)",
            (shop.sender.reseller.id, claimed.message_id),
        )
    assert waits(shop)
    assert len(shop.told()) == 1


def test_a_schema_that_is_stuck_is_nothing_to_the_job_unless_somebody_waits_there(
    shop: Shop, reseller: ResellerRef, app: Flask
) -> None:
    shop.refused(shop.send()[0])
    with locked_out(reseller), capture_logs() as logs:
        assert len(shop.told()) == 1
    assert reseller.key not in [line.get("reseller") for line in logs]
    with owner_connection(reseller) as books:
        books.execute("SELECT note_work('notices')")
    shop.refused(shop.send("c@x.example")[0])
    with locked_out(reseller), capture_logs() as logs:
        assert len(shop.told()) == 1
    assert ("notices.failed", reseller.key) in [(line["event"], line.get("reseller")) for line in logs]


def test_a_request_that_nothing_tells_of_is_found_within_the_hour(shop: Shop) -> None:
    shop.refused(shop.send()[0])
    with owner_connection() as books:
        books.execute("DELETE FROM relay.pending_work")
    assert shop.told() == []
    find_lost()
    assert len(shop.told()) == 1
