"""What tells a lane to slow down, what does not, and for how long."""

from datetime import timedelta

import pytest

from relay_worker.bounces.throttle import Strain, Throttle, rate_hint, throttles
from relay_worker.delivery.transaction import Stage


@pytest.mark.parametrize(
    ("code", "enhanced", "text", "strain"),
    [
        (
            421,
            "4.7.0",
            "[TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume",
            Strain.RATE,
        ),
        (421, "4.7.28", "Our system has detected an unusual rate of unsolicited mail", Strain.RATE),
        (
            451,
            "4.7.652",
            "The mail server [192.0.2.1] has exceeded the maximum number of connections.",
            Strain.RATE,
        ),
        (421, "", "Too many concurrent SMTP connections; please try again later.", Strain.RATE),
        (554, "5.7.1", "Client host [192.0.2.1] blocked using zen.spamhaus.test", Strain.REPUTATION),
        (
            550,
            "5.7.1",
            "messages from [192.0.2.1] weren't sent. part of their network is on our block list (S3140)",
            Strain.REPUTATION,
        ),
        (450, "4.7.1", "Client host rejected: cannot find your hostname, [192.0.2.1]", Strain.REPUTATION),
        (421, "4.7.1", "Service refused", Strain.BUSY),
        (450, "4.7.1", "Please see our page", Strain.REPUTATION),
        (421, "", "Service not available, closing transmission channel", Strain.BUSY),
    ],
)
def test_a_reply_about_us_strains_the_lane(code: int, enhanced: str, text: str, strain: Strain) -> None:
    assert throttles(code, enhanced, text) == Throttle(strain, None)


@pytest.mark.parametrize(
    ("code", "enhanced", "text"),
    [
        (250, "2.0.0", "OK"),
        (550, "5.1.1", "User unknown"),
        (452, "4.2.2", "Mailbox full"),
        (450, "4.7.1", "Greylisted, come back in 300 seconds"),
        (
            450,
            "4.2.1",
            "The user you are trying to contact is receiving mail at a rate that prevents additional messages",
        ),
        (452, "4.5.3", "Too many recipients"),
        (421, "4.7.26", "rate limited because it is unauthenticated"),
        (550, "5.7.1", "rejected as spam"),
        (451, "4.3.0", "Temporary lookup failure"),
    ],
)
def test_a_reply_about_one_message_or_recipient_leaves_the_lane_alone(
    code: int, enhanced: str, text: str
) -> None:
    assert throttles(code, enhanced, text, stage=Stage.RCPT) is None


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("try again in 300 seconds", timedelta(seconds=300)),
        ("Please retry after 5 minutes", timedelta(minutes=5)),
        ("too many mails, come back in 1 hour", timedelta(hours=1)),
        ("Greylisted, please try again in 00:05:00", timedelta(minutes=5)),
        ("Retry-After: 120", timedelta(seconds=120)),
        ("please wait 90s before you reconnect", timedelta(seconds=90)),
        ("try again in 99999 hours", timedelta(hours=24)),
        ("try again later", None),
        ("try again in 0 seconds", None),
        ("we keep logs for 5 minutes", None),
        ("", None),
    ],
)
def test_a_hint_for_the_next_try_is_understood(text: str, wait: timedelta | None) -> None:
    assert rate_hint(text) == wait


def test_the_hint_comes_with_the_throttle() -> None:
    assert throttles(421, "4.7.0", "too many connections, try again in 10 minutes") == Throttle(
        Strain.RATE, timedelta(minutes=10)
    )
