"""MTA-STS as text: what announces a policy, and what a policy says."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay_worker.delivery.tls.mta_sts import (
    MAX_AGE,
    PolicyInvalid,
    StsMode,
    StsPolicy,
    announced_id,
    parse_policy,
)

GOOD = "version: STSv1\nmode: enforce\nmx: mail.shop.test\nmx: *.Backup.test\nmax_age: 86400"


@pytest.mark.parametrize(
    "record",
    ["v=STSv1; id=20260101T0000;", "v=STSv1;id=20260101T0000", "v=STSv1; new=x; id=20260101T0000; z=1;"],
)
def test_a_record_announces_the_id_of_its_policy(record: str) -> None:
    assert announced_id(["v=spf1 -all", record]) == "20260101T0000"


@pytest.mark.parametrize(
    "records",
    [
        [],
        ["v=spf1 -all"],
        ["v=STSv1; id=a", "v=STSv1; id=b"],
        ["v=STSv1;"],
        ["v=STSv1; id="],
        ["v=STSv1; id=with-dash"],
        ["v=STSv1; id=" + "a" * 33],
        ["v=STSv1; id=a; nonsense"],
        ["v=STSv1; ;id=a"],
        ["V=STSV1; id=a"],
        ["v=STSv12; id=a"],
        [" v=STSv1; id=a"],
    ],
)
def test_what_is_not_exactly_one_valid_record_announces_nothing(records: list[str]) -> None:
    assert announced_id(records) is None


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("end", ["", "\r\n"])
def test_a_policy_is_read_with_either_line_end(line_end: str, end: str) -> None:
    policy = parse_policy(GOOD.replace("\n", line_end) + end)
    assert policy == StsPolicy(StsMode.ENFORCE, ("mail.shop.test", "*.backup.test"), timedelta(days=1))
    assert policy.max_age == timedelta(days=1)


def test_of_a_field_said_twice_the_first_counts_and_unknown_ones_are_passed_over() -> None:
    policy = parse_policy(f"{GOOD}\nmode: none\nmax_age: 1\nfuture_field: whatever, in words")
    assert (policy.mode, policy.max_age) == (StsMode.ENFORCE, timedelta(days=1))


def test_nobody_is_held_to_a_policy_for_more_than_a_year() -> None:
    assert parse_policy(GOOD.replace("86400", "9999999999")).max_age == MAX_AGE


def test_a_policy_of_mode_none_needs_no_mail_server() -> None:
    assert parse_policy("version: STSv1\nmode: none\nmax_age: 86400").mx == ()


@pytest.mark.parametrize(
    ("changed", "into"),
    [
        ("STSv1", "STSv2"),
        ("version: STSv1\n", ""),
        ("mode: enforce\n", ""),
        ("enforce", "Enforce"),
        ("mx: mail.shop.test\nmx: *.Backup.test\n", ""),
        ("mail.shop.test", "mail.*.test"),
        ("mail.shop.test", "*.*.test"),
        ("mail.shop.test", "*"),
        ("mail.shop.test", "mail.shop.test."),
        ("mail.shop.test", "-.test"),
        ("86400", "-1"),
        ("86400", "one day"),
        ("86400", "99999999999"),
        ("\nmax_age: 86400", ""),
        ("\nmode", "\n\nmode"),
        ("mode: enforce", "mode enforce"),
        ("mode: enforce", "mode: enforce\x00"),
    ],
)
def test_what_is_no_valid_policy_is_refused(changed: str, into: str) -> None:
    assert changed in GOOD
    with pytest.raises(PolicyInvalid):
        parse_policy(GOOD.replace(changed, into, 1))


def test_a_pattern_stands_for_exactly_one_label() -> None:
    policy = parse_policy(GOOD)
    assert policy.names("MAIL.shop.test")
    assert policy.names("mx1.backup.test")
    assert not policy.names("backup.test")
    assert not policy.names("a.b.backup.test")
    assert not policy.names("evilmail.shop.test")
    assert not policy.names("")


def test_a_policy_is_kept_in_words_that_say_the_same() -> None:
    policy = parse_policy(GOOD)
    assert parse_policy(policy.text()) == policy
    assert parse_policy(policy.text()).max_age == policy.max_age


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        policy = parse_policy(text)
    except PolicyInvalid:
        return
    assert parse_policy(policy.text()) == policy


@given(st.lists(st.text()))
def test_any_records_announce_an_id_or_nothing(records: list[str]) -> None:
    found = announced_id(records)
    assert found is None or (found.isalnum() and len(found) <= 32)
