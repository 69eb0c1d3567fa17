"""A message on its way in, from the view of ordinary clients."""

import ssl
from email.message import EmailMessage

import pytest

from relay_worker.queue.door import Verdict
from relay_worker.submission.replies import REFUSALS
from tests.relay_worker.submission.fakes import SECRET
from tests.relay_worker.submission.relays import RunningRelay, any_certificate

MESSAGE = b"From: Anna <me@example.org>\r\nTo: you@example.net\r\nSubject: Hello\r\n\r\nA line\r\n"
END = b".\r\n"


def make_message() -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Anna <me@example.org>"
    message["To"] = "you@example.net"
    message["Subject"] = "Grüße"
    message.set_content("A line\n.\n..two dots\n")
    return message


def test_a_message_sent_by_smtplib_with_starttls_is_stored_before_its_250(relay: RunningRelay) -> None:
    with relay.smtplib() as client:
        client.starttls(context=any_certificate())
        client.login("anna", SECRET)
        assert client.send_message(make_message()) == {}
    stored = relay.door.only
    assert (stored.mail_from, stored.rcpt_to) == ("me@example.org", ("you@example.net",))
    assert (stored.header_from, stored.subject) == ("me@example.org", "Grüße")
    assert stored.tls_version.startswith("TLSv1.")
    assert stored.raw.endswith(b"\r\nA line\r\n.\r\n..two dots\r\n")


def test_a_message_sent_over_implicit_tls_is_stored(relay: RunningRelay) -> None:
    with relay.raw(tls="smtp.neutral.example") as client:
        reply = client.log_in().deliver(MESSAGE + END)
    assert reply == f"250 2.0.0 Accepted as {relay.door.only.message_id}"
    assert b"with ESMTPSA\r\n\t(TLSv1." in relay.door.only.raw


def test_a_bell_is_rung_after_an_accepted_message(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in().deliver(MESSAGE + END)
    relay.stop()
    assert relay.rings == 1


def test_several_messages_in_one_session_are_each_stored(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.log_in()
        replies = [client.deliver(MESSAGE + END) for _ in range(5)]
    assert all(reply.startswith("250 2.0.0 ") for reply in replies)
    assert len(relay.door.messages) == 5


@pytest.mark.parametrize("verdict", REFUSALS, ids=str)
def test_each_verdict_has_its_own_reply_and_the_session_goes_on(
    relay: RunningRelay, verdict: Verdict
) -> None:
    relay.door.verdict = verdict
    with relay.raw() as client:
        assert client.log_in().deliver(MESSAGE + END) == REFUSALS[verdict].line()
        assert client.ask(b"NOOP") == "250 2.0.0 OK"


def test_no_bell_is_rung_for_a_refused_message(relay: RunningRelay) -> None:
    relay.door.verdict = Verdict.CAP_REACHED
    with relay.raw() as client:
        client.log_in().deliver(MESSAGE + END)
    relay.stop()
    assert relay.rings == 0


def test_a_fault_of_the_database_is_tried_again_at_once(relay: RunningRelay) -> None:
    relay.door.faults = 1
    with relay.raw() as client:
        assert client.log_in().deliver(MESSAGE + END).startswith("250 2.0.0 ")
    assert relay.door.batches == [1, 1]


def test_a_lost_answer_of_the_database_stores_a_message_once(relay: RunningRelay) -> None:
    relay.door.lost_answers = 1
    with relay.raw() as client:
        client.log_in().deliver(MESSAGE + END)
    assert len(relay.door.messages) == 1


def test_a_lasting_fault_of_the_database_is_temporary_for_the_client(relay: RunningRelay) -> None:
    relay.door.faults = 2
    with relay.raw() as client:
        reply = client.log_in().deliver(MESSAGE + END)
        assert reply == "451 4.3.0 Temporary fault, please try again later"
        assert client.deliver(MESSAGE + END).startswith("250 ")


def test_an_unknown_fault_shows_nothing_of_our_inside(relay: RunningRelay) -> None:
    relay.door.ingest_fault = ZeroDivisionError("secret detail")
    with relay.raw() as client:
        reply = client.log_in().deliver(MESSAGE + END)
    assert reply == "451 4.3.0 Temporary fault, please try again later"


def test_a_client_is_shown_a_certificate_without_asking_for_a_name(relay: RunningRelay) -> None:
    with relay.raw() as client:
        client.greet()
        assert client.ask(b"STARTTLS").startswith("220 ")
        with any_certificate().wrap_socket(client.sock) as secured:
            assert isinstance(secured, ssl.SSLSocket)
            assert secured.getpeercert(binary_form=True)
