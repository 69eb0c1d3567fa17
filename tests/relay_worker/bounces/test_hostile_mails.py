"""Mails that were damaged, or made to hurt: nothing raises, and nothing takes long."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay_worker.bounces.arf import read_feedback
from relay_worker.bounces.classify import classify
from relay_worker.bounces.dsn import read_report
from relay_worker.bounces.throttle import throttles
from tests.relay_worker.bounces.corpora import rows
from tests.relay_worker.bounces.mails import feedback, report, written

SAMPLES = (
    report(
        "Final-Recipient: rfc822; a@there.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 no such user\n"
    ),
    feedback("Feedback-Type: abuse\nOriginal-Rcpt-To: a@there.example\n"),
    written(
        "<a@there.example>:\n550 5.1.1 User unknown\n\n--- Below this line is a copy of the message.\n\nHello\n"
    ),
    written(
        '{"notificationType": "Bounce", "bounce": {"bouncedRecipients": [{"emailAddress": "a@there.example"}]}}\n'
    ),
    written("收件人: a@there.example\n\n用户不存在\n", subject="=?utf-8?b?6YCA5L+h?="),
)
HALF_A_MEGABYTE = 500_000
REPEATED = [
    b"a", b"<", b"@", b"<a@b.example>:\n\n", b"--cut\n", b"Final-Recipient: rfc822;a@b\n\n", b"550 5.1.1 ", b"user unknown ",
    b"<style", b"&lt;", b"message-id: <", b" \n", b"expanded from: ", b"=?utf-8?b?YQ==?= ", b"original message ", b"\x00\xff",
    b'{"a":', b'{"Message": "', "адрес ".encode(), "アドレス".encode(), b"x: a@b.example\n", b"contact: ", b"to a@b.example ",
    b"not been delivered ", b"domain. ", b"usuario no ",
]  # fmt: skip
HEADS = [
    b"From: mailer-daemon@b.example\n\n",
    b"From: mailer-daemon@b.example\nContent-Type: text/html\n\n",
    b"Content-Type: multipart/report; boundary=cut\n\n--cut\nContent-Type: message/delivery-status\n\n",
    b"From: mailer-daemon@b.example\nContent-Type: multipart/mixed; boundary=cut; x=",
    b"From: mailer-daemon@b.example\nSubject: ",
]


def read(raw: bytes) -> None:
    read_report(raw)
    read_feedback(raw)


def damaged(raw: bytes, rng: random.Random) -> bytes:
    """The mail with a few stretches lost, doubled, overwritten or moved."""
    for _ in range(rng.randint(1, 6)):
        start, end = sorted(rng.randrange(len(raw) + 1) for _ in range(2))
        end = min(end, start + 200)
        piece = raw[start:end]
        raw = raw[:start] + rng.choice([b"", piece * 2, rng.randbytes(len(piece)), piece[::-1]]) + raw[end:]
    return raw


@given(st.binary(max_size=2000))
def test_any_octets_are_read_without_an_error(raw: bytes) -> None:
    read(raw)


@given(st.sampled_from(SAMPLES), st.randoms(use_true_random=False))
def test_damaged_reports_are_read_without_an_error(raw: bytes, rng: random.Random) -> None:
    read(damaged(raw, rng))


def test_damaged_real_mails_are_read_without_an_error() -> None:
    rng = random.Random(7)
    for row in rows("bounces") + rows("complaints"):
        for _ in range(3):
            read(damaged(row.raw, rng))


def test_real_mails_cut_off_anywhere_are_read_without_an_error() -> None:
    rng = random.Random(8)
    for row in rows("bounces"):
        read(row.raw[: rng.randrange(len(row.raw))])


@given(st.integers(0, 999), st.text(max_size=12), st.text(max_size=400))
def test_any_reply_has_a_class(code: int, enhanced: str, text: str) -> None:
    classify(code, enhanced, text)
    throttles(code, enhanced, text)


# A regular expression that backtracks without bound would take hours here; the suite's time limit is the judge.
@pytest.mark.timeout(20)
@pytest.mark.parametrize("head", HEADS)
def test_repetition_takes_no_time(head: bytes) -> None:
    for piece in REPEATED:
        read(head + piece * (HALF_A_MEGABYTE // len(piece)))


@pytest.mark.timeout(20)
def test_nesting_takes_no_time() -> None:
    levels = (b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(8000))
    read(b"From: mailer-daemon@b.example\n" + b"".join(levels))


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "word",
    [
        "user", "your client", "message size", "rate", "account is", "<a@b.example>", "a.", "https://x/?p=",
        "adresse", "адрес не", "アドレス", "用户", "usuario no", "unknown a", "host a.b", "not a", "service for", "from your",
        "too many messages", "not exist", "antispam", "brugeren", "mail from", "sorry, no", "over", "no such a", "rate limit", "ip",
    ],
)  # fmt: skip
def test_long_replies_take_no_time(word: str) -> None:
    for _ in range(20):
        classify(550, "", f"{word} " * 2000)
