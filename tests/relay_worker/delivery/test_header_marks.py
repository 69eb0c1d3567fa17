"""What a message gets besides: links to unsubscribe, Feedback-ID, X-Report-ID, and two signatures over all of it."""

import email
from dataclasses import replace
from email.message import Message

import dkim
import pytest

from platform_core.clock import StoppedClock
from platform_core.ids import AccountId
from platform_core.security import Seal
from relay_worker.delivery.build import Builder
from relay_worker.delivery.keys import KeyRing
from relay_worker.delivery.marks import Marks
from relay_worker.delivery.wire import unpack
from relay_worker.queue.claims import Claimed, SealedKey
from tests.relay_worker.delivery.conftest import ed25519_pem, rsa_pem
from tests.relay_worker.delivery.factories import NOW, RAW, SENDER, message_to, recipient
from tests.relay_worker.delivery.test_dkim import publish

SECRET = "a secret of the tests, which is long enough"
MARKS = Marks.from_secret(SECRET)
ASKING = {"list_unsubscribe": True, "tracking_host": "t.agency.test"}


def built(recipients: list[Claimed], raw: bytes = RAW, **sender: object) -> list[bytes]:
    """Each message that is made, as it goes out, without the final dot; RAW needs no unstuffing but of one line."""
    builder = Builder(KeyRing(Seal(SECRET)), MARKS, StoppedClock(NOW))
    made = builder.build_all(recipients, replace(SENDER, **sender), raw)
    return [one.message.wire.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.") for one, _ in made]


def header(claimed: Claimed | None = None, raw: bytes = RAW, **sender: object) -> Message:
    (one,) = built([claimed or recipient()], raw, **sender)
    return email.message_from_bytes(one)


def test_an_account_that_asks_gets_both_ways_to_unsubscribe() -> None:
    claimed = recipient("Jörg@example.test")
    fields = header(claimed, **ASKING)
    https, mailto = fields["List-Unsubscribe"].replace("\r\n\t", "").strip("<>").split(">,<")
    subscription = MARKS.unsubscribe.read(https.removeprefix("https://t.agency.test/u/"))
    assert subscription and (subscription.address, subscription.n) == ("Jörg@example.test", 0)
    mailbox = mailto.removeprefix("mailto:").removesuffix("@bounce.shop.test?subject=unsubscribe")
    assert MARKS.unsubscribe.read_mailbox(mailbox) == (claimed.message_id, 0)
    assert fields["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_without_a_tracking_host_there_is_no_one_click() -> None:
    fields = header(list_unsubscribe=True)
    assert fields["List-Unsubscribe"].startswith("<mailto:unsubscribe+b-")
    assert fields["List-Unsubscribe-Post"] is None


@pytest.mark.parametrize(
    "sender", [{}, {"list_unsubscribe": True, "return_path_host": ""}, {"tracking_host": "t.agency.test"}]
)
def test_who_does_not_ask_or_has_no_host_for_it_gets_no_link(sender: dict[str, object]) -> None:
    assert header(**sender)["List-Unsubscribe"] is None


def test_the_senders_own_link_stays_the_only_one() -> None:
    own = b"LIST-Unsubscribe: <https://shop.test/u>\r\n" + RAW
    assert header(raw=own, **ASKING).get_all("List-Unsubscribe") == ["<https://shop.test/u>"]


def test_an_automatic_answer_gets_no_link() -> None:
    assert header(recipient(mail_from=""), **ASKING)["List-Unsubscribe"] is None


def test_each_recipient_gets_a_message_with_a_link_of_its_own() -> None:
    messages = built(message_to("a@x.test", "b@x.test"), **ASKING)
    links = {email.message_from_bytes(one)["List-Unsubscribe"] for one in messages}
    assert len(links) == 2


def test_copies_of_a_large_message_differ_in_their_header_alone_and_share_one_body() -> None:
    builder = Builder(KeyRing(Seal(SECRET)), MARKS, StoppedClock(NOW))
    raw = RAW + b"a line of an attachment\r\n" * 12_000
    copies = builder.build_all(message_to("a@x.test", "b@x.test"), replace(SENDER, **ASKING), raw)
    first, second = (one.message for one, _ in copies)
    assert first.body is second.body
    assert first.head != second.head
    assert len(first.head) < 2_000


def test_an_overlong_line_is_encoded_once_for_all_copies() -> None:
    builder = Builder(KeyRing(Seal(SECRET)), MARKS, StoppedClock(NOW))
    copies = builder.build_all(
        message_to("a@x.test", "b@x.test"), replace(SENDER, **ASKING), RAW + b"word " * 400
    )
    first, second = (one.message for one, _ in copies)
    assert first.body is second.body
    assert b"Content-Transfer-Encoding: quoted-printable" in second.head


def test_the_signature_of_every_copy_holds() -> None:
    seal = Seal(SECRET)
    messages = built(message_to("a@x.test", "b@x.test"), sealed_key=seal.seal(rsa_pem()), **ASKING)
    assert len(messages) == 2
    assert all(dkim.DKIM(one).verify(dnsfunc=publish(rsa_pem())) for one in messages)


@pytest.mark.parametrize("raw", [RAW, b"List-Unsubscribe: <https://shop.test/u>\r\n" + RAW])
def test_without_links_one_message_serves_all(raw: bytes) -> None:
    asked = ASKING if raw is not RAW else {}
    (message,) = built(message_to("a@x.test", "b@x.test"), raw, **asked)
    assert b"X-Report-ID" not in message


def test_the_report_id_is_the_return_path_in_the_header() -> None:
    claimed = recipient(n=7)
    fields = header(claimed, b"X-Report-ID: b-forged\r\n" + RAW)
    (token,) = fields.get_all("X-Report-ID", [])
    assert MARKS.return_paths.read(token) == (claimed.message_id, 7)


def test_feedback_is_counted_by_campaign_account_domain_and_reseller() -> None:
    given = b"Feedback-ID: spring-26:mine:theirs:other\r\n" + RAW
    (value,) = header(raw=given).get_all("Feedback-ID", [])
    campaign, *ids = value.split(":")
    assert campaign == "spring-26"
    assert len(set(ids)) == 3
    assert all(len(one) == 10 and one.isalnum() for one in ids)


def test_the_ids_are_the_same_for_every_message_and_others_for_another_account() -> None:
    first, second, other = (
        header(recipient(account_id=AccountId(n)))["Feedback-ID"].split(":") for n in (2, 2, 3)
    )
    assert first == second
    assert [one == two for one, two in zip(first, other, strict=True)] == [True, False, True, True]


@pytest.mark.parametrize("campaign", [b"a b", b"\xc3\xa9", b"x" * 61, b""])
def test_a_campaign_that_is_no_id_is_left_out(campaign: bytes) -> None:
    value = header(raw=b"Feedback-ID: " + campaign + b":x:y:z\r\n" + RAW)["Feedback-ID"]
    assert value.startswith(":")


def test_both_domains_sign_and_cover_all_that_was_added() -> None:
    seal = Seal(SECRET)
    second = SealedKey("agency.test", "b", seal.seal(ed25519_pem()))
    (message,) = built([recipient()], sealed_key=seal.seal(rsa_pem()), second=second, **ASKING)
    published = {b"fp1._domainkey.shop.test.": rsa_pem(), b"b._domainkey.agency.test.": ed25519_pem()}
    for n in range(2):
        judge = dkim.DKIM(message)
        assert judge.verify(n, dnsfunc=lambda name, timeout=5: publish(published[name])(name))
        covered = {name.lower() for name, _ in judge.signed_headers}
        assert covered >= {b"list-unsubscribe", b"list-unsubscribe-post", b"feedback-id", b"x-report-id"}


def test_one_domain_signs_once() -> None:
    seal = Seal(SECRET)
    second = SealedKey("shop.test", "b", seal.seal(ed25519_pem()))
    (message,) = built([recipient()], sealed_key=seal.seal(rsa_pem()), second=second)
    assert message.count(b"DKIM-Signature:") == 1


def test_the_reseller_signs_alone_for_a_domain_without_a_key() -> None:
    second = SealedKey("agency.test", "b", Seal(SECRET).seal(ed25519_pem()))
    (message,) = built([recipient()], second=second)
    assert b"d=agency.test;" in message


def test_a_message_can_be_unpacked_to_what_was_signed() -> None:
    seal = Seal(SECRET)
    builder = Builder(KeyRing(seal), MARKS, StoppedClock(NOW))
    sender = replace(SENDER, sealed_key=seal.seal(rsa_pem()))
    ((one, _),) = builder.build_all([recipient()], sender, RAW)
    fields, body = unpack(one.message)
    assert [field.partition(b":")[0] for field in fields[:3]] == [b"Feedback-ID", b"X-Report-ID", b"From"]
    assert body == b"Hello there,\r\n.dots too.\r\n"
