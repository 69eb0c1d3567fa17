"""The table of replies is complete and its codes agree with themselves."""

import pytest

from platform_core import errors
from platform_core.mail.replies import Reply
from relay_worker.queue.door import Verdict
from relay_worker.submission import replies
from relay_worker.submission.replies import ERRORS, REFUSALS, reply_to

ALL = [value for value in vars(replies).values() if isinstance(value, Reply)]


def house_errors() -> list[type[errors.FrankpostError]]:
    return [
        value
        for value in vars(errors).values()
        if isinstance(value, type)
        and issubclass(value, errors.FrankpostError)
        and value is not errors.FrankpostError
    ]


@pytest.mark.parametrize("error", house_errors(), ids=lambda error: error.__name__)
def test_every_error_has_a_reply(error: type[errors.FrankpostError]) -> None:
    assert error in ERRORS


def test_every_verdict_but_acceptance_has_a_reply_of_its_own() -> None:
    assert set(REFUSALS) == set(Verdict) - {Verdict.ACCEPTED, Verdict.HELD}
    assert len({reply.line() for reply in REFUSALS.values()}) == len(REFUSALS)


@pytest.mark.parametrize("reply", [*ALL, *ERRORS.values()], ids=lambda reply: reply.line()[:40])
def test_the_enhanced_code_is_of_the_class_of_the_code(reply: Reply) -> None:
    if reply.code // 100 == 3:
        assert reply.enhanced == ""  # RFC 2034 4
    else:
        assert reply.enhanced.startswith(f"{reply.code // 100}.")
    assert len(reply.line()) <= 510
    assert reply.line().isascii()


def test_an_unknown_error_is_temporary() -> None:
    assert reply_to(ZeroDivisionError()).code == 451


def test_a_foreign_sender_is_named() -> None:
    assert "example.net" in reply_to(errors.SenderNotVerified("example.net")).text
