"""Asking for reports at submission (RFC 3461), from the view of an ordinary client."""

from tests.relay_worker.submission.fakes import SECRET
from tests.relay_worker.submission.relays import RunningRelay

MESSAGE = b"From: Anna <me@example.org>\r\nTo: you@example.net\r\nSubject: Hello\r\n\r\nA line\r\n"


def test_what_smtplib_asks_reaches_the_database(relay: RunningRelay) -> None:
    with relay.smtplib() as client:
        client.login("anna", SECRET)
        assert client.has_extn("dsn")
        asked = client.sendmail(
            "me@example.org",
            ["you@example.net", "him@example.net"],
            MESSAGE,
            mail_options=["RET=HDRS", "ENVID=QQ1"],
            rcpt_options=["NOTIFY=SUCCESS,DELAY"],
        )
    stored = relay.door.only
    assert asked == {}
    assert (stored.envelope_id, stored.dsn_return) == ("QQ1", "HDRS")
    assert stored.rcpt_dsn == (
        "NOTIFY=SUCCESS,DELAY ORCPT=rfc822;you@example.net",
        "NOTIFY=SUCCESS,DELAY ORCPT=rfc822;him@example.net",
    )


def test_of_a_recipient_named_twice_the_first_wish_counts(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in()
        client.ask(b"MAIL FROM:<me@example.org>")
        client.ask(b"RCPT TO:<you@example.net>")
        client.ask(b"RCPT TO:<YOU@example.net> NOTIFY=NEVER")
        client.ask(b"DATA")
        assert client.ask(MESSAGE + b".").startswith("250 ")
    assert relay.door.only.rcpt_dsn == ()


def test_a_wish_ends_with_its_transaction(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in()
        client.ask(b"MAIL FROM:<me@example.org> RET=FULL ENVID=one")
        client.ask(b"RSET")
        client.deliver(MESSAGE + b".\r\n")
    assert (relay.door.only.envelope_id, relay.door.only.dsn_return) == ("", "")


def test_a_message_that_keeps_coming_back_is_cut(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in()
        replies, message = [], MESSAGE
        for _ in range(6):
            replies.append(client.deliver(message + b".\r\n")[:9])
            message = relay.door.messages[-1].raw
    assert replies == ["250 2.0.0"] * 5 + ["554 5.4.6"]
