"""Whoever is refused for what he sends, or how, is often told in the same breath that the address is gone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay_worker.bounces.classes import HARD_CLASSES
from relay_worker.bounces.classify import classify
from relay_worker.bounces.dsn import read_report
from tests.relay_worker.bounces.mails import report, written

GONE = [
    "user unknown", "no such user here", "<a@there.example>: Recipient address rejected: User unknown", "mailbox does not exist",
    "The email account that you tried to reach does not exist", "This account has been disabled", "Invalid recipient",
    "Recipient address rejected: Access denied", "action not taken: mailbox unavailable (S2017062302)", "host not found",
    "address rejected", "Utilisateur inconnu", "Empfänger unbekannt", "Användaren finns inte", "用户不存在", "Пользователь не найден",
]  # fmt: skip
# By what is wrong.
NOT_GONE = {
    "block": [
        "your IP is on a blocklist", "blocked using zen.spamhaus.test", "client host 192.0.2.1 is banned", "poor sender reputation",
        "your host is blacklisted", "mail from your domain is blocked", "connections from your network are refused",
        "Ihre IP-Adresse steht auf einer Sperrliste", "Votre adresse IP est bloquée",
    ],
    "spam": [
        "rejected as spam", "this is unsolicited bulk mail", "blocked by our antispam filter", "classified as junk",
        "message considéré comme spam", "mensaje considerado spam", "垃圾邮件",
    ],
    "policy": [
        "rejected for policy reasons", "violates our policy", "administrative prohibition", "you are not authorized to send here",
        "forbidden by the administrator", "rejected by local rules", "denied by the firewall", "recipient is not in your whitelist",
    ],
    "rate": [
        "too many messages from you", "rate limit exceeded", "sending too fast", "you have been throttled", "too many connections",
        "hourly limit reached", "an unusual number of them", "too many of these",
    ],
    "greylisting": ["temporarily greylisted", "greylisting in effect, try again", "you are greylisted, come back later"],
    "TLS": ["must issue STARTTLS first", "TLS is required", "encryption required"],
    "authentication": [
        "SPF check failed", "DKIM signature invalid", "fails DMARC", "authentication required", "reverse DNS lookup failed",
        "no PTR record for your address", "sender verify failed", "sender domain does not exist", "relaying denied", "HELO rejected", "a fully-qualified name is needed",
    ],
    "full": ["over quota", "mailbox full", "La boîte est pleine", "Skrzynka odbiorcy jest pełna"],
}  # fmt: skip
CODES = ["", "5.0.0", "5.1.0", "5.1.1", "5.1.2", "5.1.10", "5.2.1", "5.4.1", "5.5.0", "5.7.1"]
BETWEEN = ["; ", ", ", ". ", " - ", " (", ": ", " ", "\n", "...", "\n550 ", " 550-"]


@st.composite
def mixtures(draw: st.DrawFn) -> str:
    """An address that is gone, and another reason, in either order."""
    kind = draw(st.sampled_from(sorted(NOT_GONE)))
    two = [draw(st.sampled_from(GONE)), draw(st.sampled_from(NOT_GONE[kind]))]
    text = draw(st.sampled_from(BETWEEN)).join(draw(st.permutations(two)))
    return draw(st.sampled_from([str, str.upper, str.title]))(text)


@pytest.mark.parametrize("gone", GONE)
def test_each_of_them_alone_may_suppress(gone: str) -> None:
    assert any(classify(550, code, gone) in HARD_CLASSES for code in CODES)


@pytest.mark.parametrize("gone", GONE)
def test_beside_any_other_reason_none_of_them_suppresses(gone: str) -> None:
    others = [other for kind in NOT_GONE.values() for other in kind]
    texts = [f"{one}; {two}" for other in others for one, two in ((gone, other), (other, gone))]
    assert [text for text in texts for code in CODES if classify(550, code, text) in HARD_CLASSES] == []


@pytest.mark.parametrize(
    "second",
    ["invalid greeting", "unknown protocol", "not valid DNS", "TLSv1 disabled", "TLSv1 no longer accepted"],
)
def test_what_the_next_line_of_a_reply_says_is_not_said_of_the_mailbox(second: str) -> None:
    assert classify(550, "", f"550-action not taken: mailbox unavailable 550 {second}") not in HARD_CLASSES


@given(mixtures(), st.sampled_from([550, 551, 553, 554]), st.sampled_from(CODES))
def test_however_they_are_mixed_no_reply_suppresses(text: str, code: int, enhanced: str) -> None:
    assert classify(code, enhanced, text) not in HARD_CLASSES


@given(mixtures(), st.sampled_from(CODES[1:]))
def test_however_they_are_mixed_no_report_suppresses(text: str, enhanced: str) -> None:
    line = text.replace("\n", " ")
    fields = f"Final-Recipient: rfc822; a@there.example\nAction: failed\nStatus: {enhanced}\nDiagnostic-Code: smtp; 550 {line}\n"
    assert not any(one.hard for one in read_report(report(fields)).recipients)
    assert not any(one.hard for one in read_report(written(f"<a@there.example>:\n550 {line}\n")).recipients)
