"""What an answer means for the recipient."""

import random
from datetime import timedelta

import pytest

from platform_core.mail.replies import Reply
from platform_core.mail.states import BounceKind, RecipientState
from platform_core.mail.tls import TlsTrust
from relay_worker.bounces.classes import OutcomeClass
from relay_worker.delivery.conversation import NO_SMTPUTF8, NOT_SENT, TOO_LARGE, UNSAYABLE
from relay_worker.delivery.mx import LOOPS_BACK, NO_ANSWER, NO_DOMAIN, NULL_MX
from relay_worker.delivery.outcome import bounce_kind, judge, outcome_class
from relay_worker.delivery.retry import RetrySchedule
from relay_worker.delivery.transaction import INTERNAL_FAULT, Answer, Stage
from relay_worker.queue.claims import Result
from tests.relay_worker.delivery.factories import NOW, recipient

HARD, SOFT = BounceKind.HARD, BounceKind.SOFT


def judged(code: int, enhanced: str = "", *, stage: Stage = Stage.RCPT, hours_left: float = 1) -> Result:
    claimed = recipient(expires_at=NOW + timedelta(hours=hours_left))
    answer = Answer(
        Reply(code, enhanced, "text"),
        stage,
        remote_host="mx.test",
        tls_version="TLSv1.3",
        tls_trust=TlsTrust.DANE,
    )
    return judge(claimed, answer, NOW, RetrySchedule(random.Random(1)))


def test_a_2xx_delivers() -> None:
    result = judged(250, "2.0.0", stage=Stage.FINAL)
    assert (result.state, result.next_at, result.bounce_kind) == (RecipientState.DELIVERED, None, None)


@pytest.mark.parametrize(
    ("dsn", "reports", "why"),
    [("NOTIFY=DELAY", True, "handed_on"), ("NOTIFY=DELAY", False, ""), ("", True, "")],
)
def test_a_delivery_says_whether_the_server_reports_itself(dsn: str, reports: bool, why: str) -> None:
    answer = Answer(Reply(250, "2.0.0", "ok"), Stage.FINAL, reports=reports)
    assert judge(recipient(dsn=dsn), answer, NOW, RetrySchedule(random.Random(1))).outcome_class == why


def test_a_4xx_defers_until_a_later_time() -> None:
    result = judged(450, "4.2.0")
    assert result.state is RecipientState.DEFERRED
    assert result.next_at is not None
    assert result.next_at > NOW


def test_a_4xx_after_the_time_is_up_expires_as_a_soft_bounce() -> None:
    result = judged(450, hours_left=0)
    assert (result.state, result.next_at, result.bounce_kind) == (RecipientState.EXPIRED, None, SOFT)


def test_a_5xx_bounces_whatever_time_is_left() -> None:
    result = judged(550, "5.1.1")
    assert (result.state, result.next_at) == (RecipientState.BOUNCED, None)


def test_a_3xx_promises_nothing_and_defers() -> None:
    assert judged(354, stage=Stage.FINAL).state is RecipientState.DEFERRED


def test_everything_the_remote_said_is_kept() -> None:
    result = judged(550, "5.7.1")
    assert (result.reply_code, result.enhanced_code, result.reply_text) == (550, "5.7.1", "text")
    assert (result.remote_host, result.tls_version, result.at) == ("mx.test", "TLSv1.3", NOW)
    assert result.tls_trust is TlsTrust.DANE


@pytest.mark.parametrize(
    ("code", "enhanced", "text", "kind"),
    [
        (550, "5.1.1", "", HARD),
        (550, "5.1.2", "", HARD),
        (553, "5.1.3", "", HARD),
        (550, "5.1.6", "", HARD),
        (556, "5.1.10", "", HARD),
        (550, "5.2.1", "", HARD),
        (550, "", "No such user here", HARD),
        (550, "", "Recipient address rejected: User unknown in local recipient table", HARD),
        (551, "", "user does not exist", HARD),
        (553, "", "mailbox not found", HARD),
        (550, "", "mailbox unavailable", SOFT),
        (550, "", "blocked by policy", SOFT),
        (552, "", "no such user", SOFT),
        (552, "5.2.2", "mailbox full", SOFT),
        (552, "5.3.4", "too big", SOFT),
        (550, "5.7.1", "no such user, and you are blocked", SOFT),
        (554, "5.0.0", "user unknown", HARD),
    ],
)
def test_a_bounce_is_hard_only_when_the_address_is_dead(
    code: int, enhanced: str, text: str, kind: BounceKind
) -> None:
    assert bounce_kind(Answer(Reply(code, enhanced, text), Stage.RCPT)) is kind


@pytest.mark.parametrize("stage", [Stage.CONNECT, Stage.GREETING, Stage.EHLO, Stage.MAIL])
def test_what_is_said_before_the_recipient_is_named_is_never_hard(stage: Stage) -> None:
    assert bounce_kind(Answer(Reply(550, "5.1.1", "no such user"), stage)) is SOFT


def test_one_reply_for_several_recipients_is_never_hard() -> None:
    assert bounce_kind(Answer(Reply(550, "5.1.1", "no such user"), Stage.FINAL, shared=2)) is SOFT


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(Reply(250, "2.0.0", "queued"), Stage.FINAL), OutcomeClass.DELIVERED),
        (INTERNAL_FAULT, OutcomeClass.INTERNAL),
        (Answer(NO_DOMAIN, Stage.ROUTE), OutcomeClass.NO_SUCH_DOMAIN),
        (Answer(NULL_MX, Stage.ROUTE), OutcomeClass.NO_SUCH_DOMAIN),
        (Answer(NO_ANSWER, Stage.ROUTE), OutcomeClass.DNS_TROUBLE),
        (Answer(LOOPS_BACK, Stage.ROUTE), OutcomeClass.LOOP),
        (Answer(NOT_SENT, Stage.CONNECT), OutcomeClass.UNREACHABLE),
        (Answer(TOO_LARGE, Stage.MAIL), OutcomeClass.MESSAGE_TOO_LARGE),
        (Answer(NO_SMTPUTF8, Stage.MAIL), OutcomeClass.INTERNATIONAL),
        (Answer(UNSAYABLE, Stage.RCPT), OutcomeClass.NO_SUCH_ADDRESS),
        (Answer(Reply(550, "5.1.1", "no such user"), Stage.MAIL), OutcomeClass.SENDER_REFUSED),
        (Answer(Reply(450, "4.1.1", "no such user"), Stage.RCPT), OutcomeClass.RECIPIENT_UNCONFIRMED),
        (Answer(Reply(550, "5.1.1", "no such user"), Stage.FINAL, shared=2), OutcomeClass.RECIPIENT_REFUSED),
    ],
)
def test_every_answer_of_ours_and_theirs_has_its_class(answer: Answer, outcome: OutcomeClass) -> None:
    assert outcome_class(answer) is outcome
