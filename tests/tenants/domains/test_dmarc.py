"""Finding the DMARC record that covers a domain: RFC 9989 4.10."""

import asyncio

import pytest

from platform_dev.nameserver import Nameserver
from platform_dev.zone import Fault
from tenants.domains.dmarc import check_dmarc, walk
from tenants.domains.findings import CheckResult, CheckState, Finding
from tenants.domains.reader import RecordReader
from tenants.domains.records import dmarc_record

DOMAIN = "news.shop.customer.example"


def check(reader: RecordReader, domain: str = DOMAIN) -> CheckResult:
    return asyncio.run(check_dmarc(dmarc_record(domain), domain, reader))


def test_the_walk_goes_up_label_by_label() -> None:
    assert list(walk("a.customer.example")) == ["a.customer.example", "customer.example", "example"]


def test_the_walk_jumps_to_seven_labels_and_asks_eight_times_at_most() -> None:
    names = list(walk("a.b.c.d.e.f.g.h.i.j"))
    assert names[:2] == ["a.b.c.d.e.f.g.h.i.j", "d.e.f.g.h.i.j"]
    assert len(names) == 8


def test_a_name_of_eight_labels_loses_one_first() -> None:
    assert list(walk("a.b.c.d.e.f.g.h"))[1] == "b.c.d.e.f.g.h"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v=DMARC1; p=none", Finding.DMARC_FOUND),
        ("v = DMARC1 ;P=Reject; rua=mailto:a@customer.example", Finding.DMARC_FOUND),
        ("v=DMARC1; rua=mailto:a@customer.example", Finding.DMARC_WITHOUT_POLICY),
        ("v=DMARC1", Finding.DMARC_WITHOUT_POLICY),
        ("v=DMARC1; p=monitor", Finding.DMARC_UNKNOWN_POLICY),
        ("v=DMARC12; p=none", Finding.DMARC_MISSING),
        ("v=dmarc1; p=none", Finding.DMARC_MISSING),
        ("p=none; v=DMARC1", Finding.DMARC_MISSING),
    ],
)
def test_records_of_the_domain_itself_are_told_apart(
    nameserver: Nameserver, reader: RecordReader, text: str, expected: Finding
) -> None:
    nameserver.records.set(f"_dmarc.{DOMAIN}", "TXT", text, "something else")
    assert check(reader).finding is expected


def test_several_records_at_the_domain_are_wrong(nameserver: Nameserver, reader: RecordReader) -> None:
    nameserver.records.set(f"_dmarc.{DOMAIN}", "TXT", "v=DMARC1; p=none", "v=DMARC1; p=reject")
    result = check(reader)
    assert (result.finding, result.state) == (Finding.DMARC_SEVERAL, CheckState.WRONG)


def test_the_organisations_record_counts(nameserver: Nameserver, reader: RecordReader) -> None:
    nameserver.records.set("_dmarc.customer.example", "TXT", "v=DMARC1; p=quarantine")
    result = check(reader)
    assert result.finding is Finding.DMARC_FOUND_ABOVE
    assert "_dmarc.customer.example" in result.sentence


def test_of_two_above_the_highest_is_the_organisations(nameserver: Nameserver, reader: RecordReader) -> None:
    nameserver.records.set("_dmarc.shop.customer.example", "TXT", "v=DMARC1; p=none")
    nameserver.records.set("_dmarc.customer.example", "TXT", "v=DMARC1; p=reject")
    assert "p=reject" in check(reader).found


def test_psd_n_ends_the_walk(nameserver: Nameserver, reader: RecordReader) -> None:
    nameserver.records.set("_dmarc.shop.customer.example", "TXT", "v=DMARC1; p=none; psd=n")
    nameserver.records.set("_dmarc.customer.example", "TXT", "v=DMARC1; p=reject")
    assert "psd=n" in check(reader).found


def test_a_public_suffix_does_not_stand_before_the_organisation(
    nameserver: Nameserver, reader: RecordReader
) -> None:
    nameserver.records.set("_dmarc.customer.example", "TXT", "v=DMARC1; p=none")
    nameserver.records.set("_dmarc.example", "TXT", "v=DMARC1; p=reject; psd=y")
    assert "p=none" in check(reader).found


def test_a_public_suffix_covers_an_organisation_without_a_record(
    nameserver: Nameserver, reader: RecordReader
) -> None:
    nameserver.records.set("_dmarc.example", "TXT", "v=DMARC1; p=reject; psd=y")
    assert check(reader).finding is Finding.DMARC_FOUND_ABOVE


def test_several_records_above_count_as_none(nameserver: Nameserver, reader: RecordReader) -> None:
    nameserver.records.set("_dmarc.customer.example", "TXT", "v=DMARC1; p=none", "v=DMARC1; p=reject")
    assert check(reader).finding is Finding.DMARC_MISSING


def test_the_domains_own_record_counts_while_a_name_above_it_fails(
    nameserver: Nameserver, reader: RecordReader
) -> None:
    nameserver.records.set(f"_dmarc.{DOMAIN}", "TXT", "v=DMARC1; p=none")
    nameserver.records.fail("_dmarc.customer.example", Fault.SERVFAIL)
    assert check(reader).finding is Finding.DMARC_FOUND
