"""What becomes of a submission at the door, and what it leaves behind."""

import pytest

from platform_core.ids import AccountId, ResellerId, SmtpAccountId
from relay_worker.queue.door import Verdict
from tests.relay_worker.queue.conftest import OpenAccount
from tests.relay_worker.queue.desk import RAW, Desk, Sender, owner_connection


def leaves_nothing(sender: Sender) -> bool:
    """No row of mail, nothing used, nothing counted, nothing due."""
    tables = ("message", "recipient", "event", "stats_hour")
    return not sender.due and not sender.used and not any(sender.count(table) for table in tables)


def set_reseller(sender: Sender, state: str) -> None:
    with owner_connection() as connection:
        connection.execute(
            "UPDATE platform.reseller SET state = %s WHERE id = %s", (state, sender.reseller.id)
        )


def test_an_accepted_message_is_written_whole(desk: Desk, account: OpenAccount) -> None:
    sender = account(credits=10)
    message = sender.message("a@example.org", "b@example.net", subject="Grüße", body_8bit=True)
    assert desk.ingest(message) == [Verdict.ACCEPTED]
    [row] = sender.rows("SELECT * FROM message WHERE account_id = %(account)s")
    assert (row["id"], row["subject"], row["size"], row["recipients"]) == (
        message.message_id,
        "Grüße",
        len(RAW),
        2,
    )
    assert row["body_8bit"] and not row["smtputf8"]
    assert sender.states == {"a@example.org": "queued", "b@example.net": "queued"}
    assert [(row["n"], row["ready"], row["attempts"]) for row in sender.due] == [(0, True, 0), (1, True, 0)]
    assert desk.worker().body(sender.reseller.id, message.message_id) == RAW
    assert sender.stats == {"accepted": 2}


def test_each_message_of_a_batch_has_its_verdict_in_order(desk: Desk, account: OpenAccount) -> None:
    sender, suspended = account(credits=2), account(credits=2)
    suspended.change("account", state="suspended")
    batch = [
        sender.message(),
        suspended.message(),
        sender.message("a@x.example", "b@x.example"),
        sender.message(),
    ]
    assert desk.ingest(*batch) == [
        Verdict.ACCEPTED,
        Verdict.ACCOUNT_SUSPENDED,
        Verdict.CREDITS_EXHAUSTED,
        Verdict.ACCEPTED,
    ]


def test_a_suspended_account_sends_nothing(desk: Desk, account: OpenAccount) -> None:
    sender = account(credits=5)
    sender.change("account", state="suspended")
    assert desk.ingest(sender.message()) == [Verdict.ACCOUNT_SUSPENDED]
    assert leaves_nothing(sender)
    sender.change("account", state="active")
    assert desk.ingest(sender.message()) == [Verdict.ACCEPTED]


def test_a_suspended_reseller_sends_nothing(desk: Desk, account: OpenAccount) -> None:
    sender, other = account(credits=5), account(reseller=1, credits=5)
    set_reseller(sender, "suspended")
    try:
        verdicts = desk.ingest(sender.message(), other.message())
    finally:
        set_reseller(sender, "active")
    assert verdicts == [Verdict.RESELLER_SUSPENDED, Verdict.ACCEPTED]
    assert leaves_nothing(sender)


def test_a_suspended_login_sends_nothing(desk: Desk, account: OpenAccount) -> None:
    sender = account(credits=5)
    sender.change("smtp_account", state="suspended")
    assert desk.ingest(sender.message()) == [Verdict.CREDENTIAL_SUSPENDED]
    assert leaves_nothing(sender)


def test_the_login_of_another_account_sends_nothing(desk: Desk, account: OpenAccount) -> None:
    sender, other = account(credits=5), account(credits=5)
    stolen = sender.message(smtp_account_id=other.smtp_account_id)
    assert desk.ingest(stolen) == [Verdict.CREDENTIAL_SUSPENDED]
    assert leaves_nothing(sender)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"reseller_id": ResellerId(0)}, Verdict.RESELLER_SUSPENDED),
        ({"account_id": AccountId(0)}, Verdict.ACCOUNT_SUSPENDED),
        ({"smtp_account_id": SmtpAccountId(0)}, Verdict.CREDENTIAL_SUSPENDED),
    ],
)
def test_what_was_deleted_sends_nothing(
    desk: Desk, account: OpenAccount, changes: dict[str, object], verdict: Verdict
) -> None:
    sender = account(credits=5)
    assert desk.ingest(sender.message(**changes)) == [verdict]
    assert leaves_nothing(sender)


def test_without_credits_nothing_is_sent(desk: Desk, account: OpenAccount) -> None:
    sender = account()
    assert desk.ingest(sender.message()) == [Verdict.CREDITS_EXHAUSTED]
    assert leaves_nothing(sender)


def test_suppressed_recipients_are_dropped_for_free_and_the_rest_goes(
    desk: Desk, account: OpenAccount
) -> None:
    sender = account(credits=2)
    sender.suppress("gone@example.org")
    message = sender.message("a@example.org", "Gone@Example.org", "b@example.org")
    assert desk.ingest(message) == [Verdict.ACCEPTED]
    assert sender.states == {
        "a@example.org": "queued",
        "Gone@Example.org": "dropped",
        "b@example.org": "queued",
    }
    assert [row["n"] for row in sender.due] == [0, 2]
    assert (sender.used, sender.stats) == (2, {"accepted": 2, "dropped": 1})
    assert [row["kind"] for row in sender.rows("SELECT kind FROM event WHERE account_id = %(account)s")] == [
        "dropped"
    ]


@pytest.mark.parametrize("local", ["ΟΔΟΣ", "İnci", "Ölaf", "ЮЛИЯ", "STRAẞE"])
def test_a_suppressed_address_is_known_in_the_capitals_of_any_script(
    desk: Desk, account: OpenAccount, local: str
) -> None:
    sender = account(credits=1)
    sender.suppress(f"{local}@example.org")
    assert desk.ingest(sender.message(f"{local}@example.org")) == [Verdict.RECIPIENTS_SUPPRESSED]


def test_a_message_to_suppressed_recipients_alone_is_refused_for_free_but_can_be_seen(
    desk: Desk, account: OpenAccount
) -> None:
    sender = account(credits=1)
    sender.suppress("gone@example.org", "left@example.org")
    message = sender.message("gone@example.org", "left@example.org")
    assert desk.ingest(message) == [Verdict.RECIPIENTS_SUPPRESSED]
    assert sender.states == {"gone@example.org": "dropped", "left@example.org": "dropped"}
    assert (sender.used, sender.ledger, sender.due) == (0, 1, [])
    assert sender.value(f"SELECT count(*) FROM message_body WHERE message_id = '{message.message_id}'") == 0


def test_suppressed_recipients_alone_are_refused_as_such_without_any_credit(
    desk: Desk, account: OpenAccount
) -> None:
    sender = account(cap=0)
    sender.suppress("gone@example.org")
    assert desk.ingest(sender.message("gone@example.org")) == [Verdict.RECIPIENTS_SUPPRESSED]


def test_the_suppression_of_one_account_is_not_anothers(desk: Desk, account: OpenAccount) -> None:
    sender, other = account(credits=1), account(credits=1)
    sender.suppress("someone@example.org")
    assert desk.ingest(other.message("someone@example.org")) == [Verdict.ACCEPTED]


def test_a_login_knows_when_it_was_last_used(desk: Desk, account: OpenAccount) -> None:
    sender = account(credits=1)
    desk.accept(sender.message())
    assert sender.value(
        "SELECT last_used_at = '2026-11-10 12:00Z' FROM smtp_account WHERE account_id = %(account)s"
    )
