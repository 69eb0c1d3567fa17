"""When a report is sent, to whom, and that it is sent once."""

import email
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask

from platform_core.clock import SystemClock
from platform_core.mail.states import RecipientState
from relay_worker.bounces.classes import OutcomeClass
from relay_worker.bounces.dsn import read_report
from relay_worker.bounces.report import ReportKind
from tests.relay_worker.notices.conftest import Shop

DELIVERED, DEFERRED = RecipientState.DELIVERED, RecipientState.DEFERRED


def test_a_failure_is_told_to_the_envelope_sender_in_the_resellers_name(shop: Shop) -> None:
    (claimed,) = shop.send(envelope_id="QQ1")
    shop.refused(claimed)
    (report,) = shop.told()
    assert (report.rcpt_to, report.mail_from) == ("bounces@shop.example", "")
    assert report.raw is not None
    read = read_report(report.raw)
    assert read.kind is ReportKind.BOUNCE
    assert [(one.address, one.outcome) for one in read.recipients] == [
        ("b@x.example", OutcomeClass.NO_SUCH_ADDRESS)
    ]
    message = email.message_from_bytes(report.raw)
    assert message["From"].startswith("Report Mail Mail Delivery <postmaster@return-path.")
    assert b"Original-Envelope-Id: QQ1" in report.raw


def test_a_report_is_sent_once_however_often_the_job_runs(shop: Shop) -> None:
    shop.refused(shop.send()[0])
    assert len(shop.told()) == 1
    assert shop.told() == []


def test_jobs_that_run_at_once_send_one_report(shop: Shop, app: Flask) -> None:
    shop.refused(shop.send()[0])

    def run(_: int) -> None:
        with app.app_context():
            shop.run_job()

    with ThreadPoolExecutor(4) as rivals:
        list(rivals.map(run, range(4)))
    assert len(shop.told()) == 1


def test_a_report_costs_the_customer_nothing_and_counts_nowhere(shop: Shop) -> None:
    shop.refused(shop.send()[0])
    before = shop.sender.used, shop.sender.stats
    (report,) = shop.told()
    shop.ends(report, DELIVERED)
    assert (shop.sender.used, shop.sender.stats) == before
    assert shop.state_of_report(report.message_id) == "delivered"
    assert shop.sender.count("message") == 1


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("NOTIFY=FAILURE", 1),
        ("", 0),
        ("NOTIFY=NEVER", 0),
        ("NOTIFY=SUCCESS,DELAY", 0),
    ],
)
def test_a_failure_is_told_to_those_who_ask(shop: Shop, asked: str, told: int) -> None:
    shop.refused(shop.send(asked=asked)[0])
    assert len(shop.told()) == told


def test_who_asks_without_saying_when_is_told_of_failures(shop: Shop) -> None:
    shop.desk.accept(shop.submission(rcpt_dsn=("ORCPT=rfc822;someone@example.org",), dsn_return="HDRS"))
    shop.refused(shop.worker.claim()[0])
    assert len(shop.told()) == 1


def test_the_null_sender_is_told_nothing(shop: Shop) -> None:
    shop.refused(shop.send(mail_from="")[0])
    assert shop.told() == []


def test_a_report_with_a_sender_is_not_answered(shop: Shop) -> None:
    raw = b"From: a@shop.example\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b--\r\n"
    shop.refused(shop.send(raw=raw)[0])
    assert shop.told() == []
    assert shop.actions() == ["failed"]


def test_our_report_is_never_reported_on(shop: Shop) -> None:
    shop.refused(shop.send()[0])
    (report,) = shop.told()
    shop.refused(report)
    assert shop.told() == []


def test_a_delivery_to_a_server_without_reports_is_told_as_handed_on(shop: Shop) -> None:
    shop.ends(shop.send()[0], DELIVERED)
    (report,) = shop.told()
    assert report.raw is not None and b"Action: relayed" in report.raw
    assert not shop.open_request()


def test_a_server_that_reports_itself_is_passed_on_when_it_does(shop: Shop) -> None:
    (claimed,) = shop.send()
    shop.ends(claimed, DELIVERED, outcome_class=OutcomeClass.HANDED_ON)
    assert shop.told() == []
    note_feedback(shop, claimed.message_id, "confirmed")
    (report,) = shop.told()
    assert report.raw is not None and b"Action: delivered" in report.raw


def test_what_bounces_late_is_told_after_all(shop: Shop) -> None:
    (claimed,) = shop.send(asked="NOTIFY=FAILURE")
    shop.ends(claimed, DELIVERED)
    assert shop.told() == []
    note_feedback(shop, claimed.message_id, "bounced")
    (report,) = shop.told()
    assert report.raw is not None and b"Diagnostic-Code: smtp; 550 5.1.1 gone" in report.raw


def test_a_delay_is_told_once_after_four_hours(shop: Shop) -> None:
    (claimed,) = shop.send_earlier(timedelta(hours=3, minutes=50))
    later = SystemClock().now() + timedelta(hours=1)
    shop.ends(claimed, DEFERRED, next_at=later, reply_code=451, enhanced_code="4.7.1", reply_text="later")
    assert shop.told() == []
    (slow,) = shop.send_earlier(timedelta(hours=4, minutes=10))
    shop.ends(slow, DEFERRED, next_at=later, reply_code=451, enhanced_code="4.7.1", reply_text="later")
    (report,) = shop.told()
    assert report.raw is not None and b"Diagnostic-Code: smtp; 451 4.7.1 later" in report.raw
    assert shop.told() == []


def test_a_recipient_dropped_for_its_suppression_is_told(shop: Shop) -> None:
    shop.sender.suppress("b@x.example")
    claimed = shop.send("a@x.example", "b@x.example", asked="NOTIFY=FAILURE")
    shop.ends(claimed[0], DELIVERED)
    (report,) = shop.told()
    assert report.raw is not None and b"Final-Recipient: rfc822; b@x.example" in report.raw


@pytest.mark.parametrize("why", ["suppressed", OutcomeClass.WITHDRAWN])
def test_who_is_dropped_after_acceptance_is_told(shop: Shop, why: str) -> None:
    (claimed,) = shop.send(asked="NOTIFY=FAILURE")
    nothing_said = {"reply_code": 0, "enhanced_code": "", "reply_text": "", "remote_host": ""}
    shop.ends(claimed, RecipientState.DROPPED, outcome_class=why, **nothing_said)
    (report,) = shop.told()
    assert report.raw is not None
    assert b"Action: failed" in report.raw and b"Diagnostic-Code" not in report.raw


def test_a_message_refused_for_all_its_recipients_is_not_told_again(shop: Shop) -> None:
    shop.sender.suppress("b@x.example")
    shop.desk.ingest(shop.submission(rcpt_to=("b@x.example",), rcpt_dsn=("NOTIFY=FAILURE",)))
    assert shop.told() == []
    assert shop.actions() == []


def test_the_whole_message_comes_back_only_when_it_is_small(shop: Shop) -> None:
    text = b"From: a@shop.example\r\n\r\n" + b"The body\r\n" * 12_000
    shop.refused(shop.send(dsn_return="FULL")[0])
    (small,) = shop.told()
    assert small.raw is not None and b"message/rfc822" in small.raw and b"\r\n\r\nHello\r\n" in small.raw
    shop.refused(shop.send("c@x.example", dsn_return="FULL", raw=text)[0])
    (large,) = shop.told()
    assert large.raw is not None and b"text/rfc822-headers" in large.raw and b"The body" not in large.raw


def test_a_message_that_is_no_proper_mime_holds_up_no_report(shop: Shop) -> None:
    odd = b'From: a@shop.example\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\nGr\xfc\xdfe\r\n'
    shop.refused(shop.send(dsn_return="FULL", raw=odd)[0])
    (report,) = shop.told()
    assert report.raw is not None and odd in report.raw


def note_feedback(shop: Shop, message_id: object, kind: str) -> None:
    """What another server's report says of the message's only recipient, as the reader of inbound mail notes it."""
    shop.sender.books.execute(
        """SELECT relay.apply_feedback(%(reseller)s, jsonb_populate_record(NULL::relay.feedback, %(found)s))""",
        {
            "reseller": shop.sender.reseller.id,
            "found": f"""{{"kind": "{kind}", "at": "{SystemClock().now().isoformat()}", "origin": "dsn",
                "message_id": "{message_id}", "n": 0, "bounce_kind": "hard", "outcome_class": "no_such_address",
                "reply_code": 550, "enhanced_code": "5.1.1", "reply_text": "gone", "remote_address": ""}}""",
        },
    )
