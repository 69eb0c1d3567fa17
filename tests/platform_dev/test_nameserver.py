"""The local nameserver: real DNS messages, asked by dnspython's own resolver and message functions."""

from collections.abc import Iterator
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.resolver
import pytest

from platform_core.errors import ServerUnreachable
from platform_dev.nameserver import Nameserver
from platform_dev.zone import Fault, Records


@pytest.fixture
def nameserver() -> Iterator[Nameserver]:
    records = Records(
        {
            "example.test": {"MX": ["10 mx1.example.test.", "20 mx2.example.test."]},
            "mx1.example.test": {"A": "127.0.0.1", "AAAA": "::1"},
            "smtp.agency.test": {"CNAME": "relay.example.test."},
            "relay.example.test": {"A": "127.0.0.2"},
            "deep.empty.test": {"A": "127.0.0.3"},
        }
    )
    with Nameserver(records) as server:
        yield server


@pytest.fixture
def resolver(nameserver: Nameserver) -> dns.resolver.Resolver:
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    resolver.port = nameserver.port
    resolver.lifetime = 0.5
    return resolver


def ask(nameserver: Nameserver, name: str, kind: str) -> dns.message.Message:
    return dns.query.udp(dns.message.make_query(name, kind), "127.0.0.1", port=nameserver.port, timeout=5)


def test_answers_every_record_of_a_name(resolver: dns.resolver.Resolver) -> None:
    answer = resolver.resolve("example.test", "MX")
    assert {record.to_text() for record in answer} == {"10 mx1.example.test.", "20 mx2.example.test."}


def test_names_are_found_in_any_case(resolver: dns.resolver.Resolver) -> None:
    assert resolver.resolve("MX1.Example.TEST", "AAAA")[0].to_text() == "::1"


def test_follows_an_alias_to_its_address(resolver: dns.resolver.Resolver) -> None:
    answer = resolver.resolve("smtp.agency.test", "A")
    assert (answer.canonical_name.to_text(), answer[0].to_text()) == ("relay.example.test.", "127.0.0.2")


def test_an_unknown_name_is_nxdomain_with_soa(nameserver: Nameserver) -> None:
    response = ask(nameserver, "nobody.test", "A")
    assert response.rcode() == dns.rcode.NXDOMAIN
    assert response.authority[0].rdtype == dns.rdatatype.SOA


def test_a_name_without_the_type_is_an_empty_answer(nameserver: Nameserver) -> None:
    response = ask(nameserver, "mx1.example.test", "TXT")
    assert (response.rcode(), response.answer) == (dns.rcode.NOERROR, [])
    assert response.authority[0].rdtype == dns.rdatatype.SOA


def test_a_name_above_a_known_one_exists(nameserver: Nameserver) -> None:
    assert ask(nameserver, "empty.test", "A").rcode() == dns.rcode.NOERROR


def test_records_change_while_it_serves(nameserver: Nameserver, resolver: dns.resolver.Resolver) -> None:
    nameserver.records.set("new.test", "A", "127.0.0.9")
    assert resolver.resolve("new.test", "A")[0].to_text() == "127.0.0.9"
    nameserver.records.remove("new.test")
    with pytest.raises(dns.resolver.NXDOMAIN):
        resolver.resolve("new.test", "A")


def test_removing_one_type_leaves_the_others(nameserver: Nameserver) -> None:
    nameserver.records.remove("mx1.example.test", "A")
    assert not ask(nameserver, "mx1.example.test", "A").answer
    assert ask(nameserver, "mx1.example.test", "AAAA").answer


def test_a_long_text_is_cut_into_strings_and_comes_back_whole(
    nameserver: Nameserver, resolver: dns.resolver.Resolver
) -> None:
    key = 'v=DKIM1; k=rsa; n="quoted"; p=' + "A" * 600
    nameserver.records.set("s1._domainkey.example.test", "TXT", key)
    answer = resolver.resolve("s1._domainkey.example.test", "TXT")
    assert b"".join(answer[0].strings).decode() == key
    assert len(answer[0].strings) == 3


def test_servfail_and_refusal_are_said(nameserver: Nameserver) -> None:
    nameserver.records.fail("example.test", Fault.SERVFAIL)
    assert ask(nameserver, "example.test", "MX").rcode() == dns.rcode.SERVFAIL
    nameserver.records.fail("example.test", Fault.REFUSED)
    assert ask(nameserver, "example.test", "MX").rcode() == dns.rcode.REFUSED


def test_silence_times_out_until_it_is_mended(
    nameserver: Nameserver, resolver: dns.resolver.Resolver
) -> None:
    nameserver.records.fail("example.test", Fault.SILENCE)
    with pytest.raises(dns.resolver.LifetimeTimeout):
        resolver.resolve("example.test", "MX")
    nameserver.records.mend("example.test")
    assert resolver.resolve("example.test", "MX")


def test_a_truncated_answer_is_whole_over_tcp(nameserver: Nameserver) -> None:
    nameserver.records.fail("example.test", Fault.TRUNCATE)
    query = dns.message.make_query("example.test", "MX")
    assert ask(nameserver, "example.test", "MX").flags & dns.flags.TC
    response, used_tcp = dns.query.udp_with_fallback(query, "127.0.0.1", port=nameserver.port, timeout=5)
    assert used_tcp
    assert len(response.answer[0]) == 2


def test_an_answer_too_large_for_its_datagram_is_truncated(nameserver: Nameserver) -> None:
    nameserver.records.set("large.test", "TXT", "x" * 2000)
    query = dns.message.make_query("large.test", "TXT")
    response, used_tcp = dns.query.udp_with_fallback(query, "127.0.0.1", port=nameserver.port, timeout=5)
    assert used_tcp
    assert sum(map(len, response.answer[0][0].strings)) == 2000


def test_the_questions_asked_are_kept(nameserver: Nameserver) -> None:
    ask(nameserver, "Example.test", "MX")
    assert list(nameserver.queries) == [("example.test", "MX")]


def test_a_zone_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    zone = tmp_path / "zone"
    zone.write_text("example.test. 60 IN A 127.0.0.1\n")
    with Nameserver(zone_file=zone) as server:
        assert ask(server, "example.test", "A").answer[0][0].to_text() == "127.0.0.1"
        zone.write_text("example.test. 60 IN A 127.0.0.22\n")
        assert ask(server, "example.test", "A").answer[0][0].to_text() == "127.0.0.22"


def test_a_broken_zone_file_keeps_what_was_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    zone = tmp_path / "zone"
    zone.write_text("example.test. 60 IN A 127.0.0.1\n")
    with Nameserver(zone_file=zone) as server:
        ask(server, "example.test", "A")
        zone.write_text("example.test. 60 IN A not-an-address\n")
        assert ask(server, "example.test", "A").answer[0][0].to_text() == "127.0.0.1"
    assert "is not taken" in capsys.readouterr().err


def test_garbage_gets_no_answer_and_does_no_harm(nameserver: Nameserver) -> None:
    assert nameserver.reply(b"\x00\x01 not a message", udp=True) is None
    assert ask(nameserver, "example.test", "MX").answer


def test_a_taken_port_is_named(nameserver: Nameserver) -> None:
    with pytest.raises(ServerUnreachable, match=f"Port {nameserver.port} .* nameserver"):
        Nameserver(port=nameserver.port).start()


def test_an_answer_is_called_validated_when_all_of_it_is_and_the_question_wants_to_know(
    nameserver: Nameserver,
) -> None:
    def validated(name: str, flags: int = dns.flags.RD | dns.flags.AD) -> bool:
        query = dns.message.make_query(name, "A", flags=flags)
        answer = dns.query.udp(query, "127.0.0.1", port=nameserver.port, timeout=5)
        return bool(answer.flags & dns.flags.AD)

    nameserver.records.validate("agency.test")
    assert not validated("smtp.agency.test")  # its alias leads out of the zone
    nameserver.records.validate("example.test")
    assert validated("smtp.agency.test") and validated("nothing.agency.test")
    assert not validated("smtp.agency.test", dns.flags.RD)
    assert not validated("deep.empty.test")
