"""Looking for the records of a domain, against a nameserver on loopback."""

import asyncio
from dataclasses import replace

import pytest

from platform_dev.nameserver import Nameserver
from platform_dev.zone import Fault
from tenants.domains.dns import look_up
from tenants.domains.findings import LONGEST_FOUND, CheckResult, CheckState, Finding
from tenants.domains.keys import GeneratedKey
from tenants.domains.reader import RecordReader
from tenants.domains.records import DomainPlan, PublishedKey, Purpose
from tenants.models import KeyState

DOMAIN = "customer.example"
SELECTOR = f"s1._domainkey.{DOMAIN}"
RETURN_PATH = f"rp.{DOMAIN}"
OURS = "bounces.agency.example"


@pytest.fixture
def plan(key: GeneratedKey) -> DomainPlan:
    return DomainPlan(DOMAIN, (PublishedKey("s1", key.public_key, KeyState.ACTIVE),), OURS, False)


def look(plan: DomainPlan, reader: RecordReader) -> dict[Purpose, CheckResult]:
    return {result.purpose: result for result in asyncio.run(look_up(plan, reader))}


def finding(plan: DomainPlan, reader: RecordReader, purpose: Purpose) -> Finding:
    return look(plan, reader)[purpose].finding


def publish_all(nameserver: Nameserver, plan: DomainPlan) -> None:
    nameserver.records.set(SELECTOR, "TXT", f"v=DKIM1; k=rsa; p={plan.keys[0].public_key}")
    nameserver.records.set(RETURN_PATH, "CNAME", OURS)
    nameserver.records.set(f"_dmarc.{DOMAIN}", "TXT", "v=DMARC1; p=none")


def test_all_records_in_place_are_all_ok(
    nameserver: Nameserver, reader: RecordReader, plan: DomainPlan
) -> None:
    publish_all(nameserver, plan)
    results = look(plan, reader)
    assert {purpose: result.state for purpose, result in results.items()} == {
        Purpose.DKIM: CheckState.OK,
        Purpose.RETURN_PATH: CheckState.OK,
        Purpose.DMARC: CheckState.OK,
    }


def test_a_domain_without_records_misses_them_all(reader: RecordReader, plan: DomainPlan) -> None:
    assert {result.state for result in look(plan, reader).values()} == {CheckState.MISSING}


@pytest.mark.parametrize("fault", [Fault.SERVFAIL, Fault.REFUSED])
def test_a_fault_of_dns_is_never_taken_for_a_missing_record(
    nameserver: Nameserver, reader: RecordReader, plan: DomainPlan, fault: Fault
) -> None:
    publish_all(nameserver, plan)
    for name in (SELECTOR, RETURN_PATH, DOMAIN, f"_dmarc.{DOMAIN}"):
        nameserver.records.fail(name, fault)
    assert {result.state for result in look(plan, reader).values()} == {CheckState.UNSURE}


def test_silence_is_unsure_for_that_record_alone(
    nameserver: Nameserver, reader: RecordReader, plan: DomainPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenants.domains.reader.QUERY_SECONDS", 0.5)
    publish_all(nameserver, plan)
    nameserver.records.fail(SELECTOR, Fault.SILENCE)
    results = look(plan, reader)
    assert results[Purpose.DKIM].state is CheckState.UNSURE
    assert results[Purpose.RETURN_PATH].ok


def test_a_key_cut_off_at_255_characters_is_named_as_such(
    nameserver: Nameserver, reader: RecordReader, plan: DomainPlan
) -> None:
    nameserver.records.set(SELECTOR, "TXT", f"v=DKIM1; k=rsa; p={plan.keys[0].public_key}"[:255])
    assert finding(plan, reader, Purpose.DKIM) is Finding.DKIM_CUT_OFF


def test_a_key_in_strings_and_with_spaces_is_found(
    nameserver: Nameserver, reader: RecordReader, plan: DomainPlan
) -> None:
    public = plan.keys[0].public_key
    nameserver.records.set(
        SELECTOR, "TXT", f'"p= {public[:100]} " "{public[100:300]}" "{public[300:]} ;k=rsa"'
    )
    assert finding(plan, reader, Purpose.DKIM) is Finding.DKIM_FOUND


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v=DKIM1; k=rsa; p=", Finding.DKIM_REVOKED),
        ("v=DKIM1; k=rsa; p=AAAA", Finding.DKIM_OTHER_KEY),
        ("v=DKIM1; k=ed25519; p=AAAA", Finding.DKIM_NO_KEY),
        ("v=DKIM2; p=AAAA", Finding.DKIM_NO_KEY),
        ("hello", Finding.DKIM_NO_KEY),
        ("", Finding.DKIM_NO_KEY),
    ],
)
def test_a_wrong_key_record_is_told_apart(
    nameserver: Nameserver, reader: RecordReader, plan: DomainPlan, text: str, expected: Finding
) -> None:
    nameserver.records.set(SELECTOR, "TXT", text)
    assert finding(plan, reader, Purpose.DKIM) is expected


def test_two_key_records_are_one_too_many(
    nameserver: Nameserver, reader: RecordReader, plan: DomainPlan
) -> None:
    nameserver.records.set(SELECTOR, "TXT", f"v=DKIM1; p={plan.keys[0].public_key}", "v=DKIM1; p=AAAA")
    assert finding(plan, reader, Purpose.DKIM) is Finding.DKIM_SEVERAL


def test_a_record_with_the_domain_entered_twice_is_found_where_it_went(
    nameserver: Nameserver, reader: RecordReader, plan: DomainPlan
) -> None:
    nameserver.records.set(f"{SELECTOR}.{DOMAIN}", "TXT", f"v=DKIM1; p={plan.keys[0].public_key}")
    result = look(plan, reader)[Purpose.DKIM]
    assert result.finding is Finding.DOMAIN_TWICE
    assert f"{SELECTOR}.{DOMAIN}" in result.sentence


def test_the_next_key_is_looked_for_beside_the_active_one(
    nameserver: Nameserver, reader: RecordReader, plan: DomainPlan
) -> None:
    publish_all(nameserver, plan)
    results = look(replace(plan, keys=(*plan.keys, PublishedKey("s2", "BBBB", KeyState.NEXT))), reader)
    assert results[Purpose.DKIM].ok
    assert results[Purpose.DKIM_NEXT].state is CheckState.MISSING


def test_a_return_path_over_another_name_is_right(
    nameserver: Nameserver, reader: RecordReader, plan: DomainPlan
) -> None:
    nameserver.records.set(RETURN_PATH, "CNAME", "Mail.Customer.Example")
    nameserver.records.set("mail.customer.example", "CNAME", OURS.upper())
    assert finding(plan, reader, Purpose.RETURN_PATH) is Finding.RETURN_PATH_FOUND


def test_a_return_path_in_a_circle_leads_elsewhere(
    nameserver: Nameserver, reader: RecordReader, plan: DomainPlan
) -> None:
    nameserver.records.set(RETURN_PATH, "CNAME", RETURN_PATH)
    assert finding(plan, reader, Purpose.RETURN_PATH) is Finding.RETURN_PATH_ELSEWHERE


def test_a_return_path_to_another_service_says_where_it_leads(
    nameserver: Nameserver, reader: RecordReader, plan: DomainPlan
) -> None:
    nameserver.records.set(RETURN_PATH, "CNAME", "bounces.other.example")
    result = look(plan, reader)[Purpose.RETURN_PATH]
    assert result.state is CheckState.WRONG
    assert "bounces.other.example" in result.sentence
    assert OURS in result.sentence


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["v=spf1 include:bounces.agency.example ~all"], Finding.SPF_FOUND),
        (["other", "V=SPF1 +Include:Bounces.Agency.Example. -all"], Finding.SPF_FOUND),
        (["v=spf1 include:other.example ~all"], Finding.SPF_WITHOUT_US),
        (["v=spf1 include:bounces.agency.example.evil.example ~all"], Finding.SPF_WITHOUT_US),
        (["v=spf1 -all", "v=spf1 ~all"], Finding.SPF_SEVERAL),
        (["v=spf10 include:bounces.agency.example"], Finding.SPF_MISSING),
    ],
)
def test_spf_records_are_told_apart(
    nameserver: Nameserver, reader: RecordReader, plan: DomainPlan, texts: list[str], expected: Finding
) -> None:
    nameserver.records.set(DOMAIN, "TXT", *texts)
    assert finding(plan, reader, Purpose.SPF) is expected


def test_hostile_text_is_cut_and_stripped_of_control_characters(
    nameserver: Nameserver, reader: RecordReader, plan: DomainPlan
) -> None:
    nameserver.records.set(SELECTOR, "TXT", '"\\027[31m\\000\\255" ' + f'"{"x" * 255}" ' * 80)
    found = look(plan, reader)[Purpose.DKIM].found
    assert len(found) == LONGEST_FOUND
    assert "\x1b" not in found and "\x00" not in found
