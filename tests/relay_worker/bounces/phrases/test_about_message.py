"""What servers say of the message, in the words of the providers and mail servers that say it."""

import pytest

from relay_worker.bounces.classes import OutcomeClass as Class
from relay_worker.bounces.classify import classify

REPLIES = [
    (
        552,
        "5.7.0",
        "This message was blocked because its content presents a potential security issue. Please visit https://support.google.com/mail/?p=BlockedMessage",
        Class.CONTENT_REFUSED,
    ),
    (554, "5.7.1", "virus Eicar found", Class.CONTENT_REFUSED),
    (552, "5.7.0", "Our system detected an illegal attachment on your message.", Class.CONTENT_REFUSED),
    (
        553,
        "5.6.7",
        "the mail server takes no international addresses or headers (SMTPUTF8)",
        Class.INTERNATIONAL,
    ),
    (554, "5.6.0", "Message contains invalid header", Class.CONTENT_REFUSED),
    (552, "5.3.4", "Your message exceeded Google's message size limits.", Class.MESSAGE_TOO_LARGE),
    (552, "", "Message size exceeds fixed maximum message size", Class.MESSAGE_TOO_LARGE),
    (552, "5.3.4", "Message size exceeds fixed limit", Class.MESSAGE_TOO_LARGE),
    (552, "5.3.4", "the message is larger than this mail server takes", Class.MESSAGE_TOO_LARGE),
    (
        550,
        "5.7.1",
        "[192.0.2.1 12] Our system has detected that this message is likely unsolicited mail. To reduce the amount of spam sent to Gmail, this message has been blocked.",
        Class.SPAM_CONTENT,
    ),
    (554, "5.7.1", "Message rejected as spam by Content Filtering.", Class.SPAM_CONTENT),
    (550, "", "High probability of spam", Class.SPAM_CONTENT),
    (571, "", "Message refused, spam", Class.SPAM_CONTENT),
    (
        554,
        "5.7.1",
        "The message from (<a@b>) with the subject of (x) matches a profile the Internet community may consider spam.",
        Class.SPAM_CONTENT,
    ),
    (554, "5.7.1", "Spam message rejected", Class.SPAM_CONTENT),
    (550, "5.7.1", "TRANSFAULT!! Rejected by bogofilter as UCE/spam", Class.SPAM_CONTENT),
    (541, "5.7.1", "Refused by our antispam gateway", Class.SPAM_CONTENT),
    (550, "", "Refused by SpamProfiler", Class.SPAM_CONTENT),
    (421, "4.7.0", "This message is suspicious due to its links", Class.SPAM_CONTENT),
    (550, "", "refused as bulk", Class.SPAM_CONTENT),
    (550, "", "scored 9 points", Class.SPAM_CONTENT),
    (554, "", "unacceptable tag", Class.CONTENT_REFUSED),
    (550, "", "This mail might contain rude words", Class.CONTENT_REFUSED),
]


@pytest.mark.parametrize(("code", "enhanced", "text", "outcome"), REPLIES)
def test_a_reply_has_the_class_that_its_server_means(
    code: int, enhanced: str, text: str, outcome: Class
) -> None:
    assert classify(code, enhanced, text) is outcome
