"""What looking for a record can come to, and the sentence that says it to a person who is no expert."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from tenants.domains.records import DnsRecord, Purpose

LONGEST_FOUND = 500  # characters of what stands in DNS that are kept


class CheckState(StrEnum):
    """UNSURE: DNS gave no answer, which says nothing about the record."""

    OK = "ok"
    MISSING = "missing"
    WRONG = "wrong"
    UNSURE = "unsure"


class Finding(StrEnum):
    """The reason behind a state; stable, so that a portal can say it in its own language."""

    NO_ANSWER = "no_answer"
    DOMAIN_TWICE = "domain_twice"
    DKIM_FOUND = "dkim_found"
    DKIM_MISSING = "dkim_missing"
    DKIM_SEVERAL = "dkim_several"
    DKIM_CUT_OFF = "dkim_cut_off"
    DKIM_REVOKED = "dkim_revoked"
    DKIM_NO_KEY = "dkim_no_key"
    DKIM_OTHER_KEY = "dkim_other_key"
    RETURN_PATH_FOUND = "return_path_found"
    RETURN_PATH_MISSING = "return_path_missing"
    RETURN_PATH_ELSEWHERE = "return_path_elsewhere"
    SPF_FOUND = "spf_found"
    SPF_MISSING = "spf_missing"
    SPF_WITHOUT_US = "spf_without_us"
    SPF_SEVERAL = "spf_several"
    DMARC_FOUND = "dmarc_found"
    DMARC_FOUND_ABOVE = "dmarc_found_above"
    DMARC_WITHOUT_POLICY = "dmarc_without_policy"
    DMARC_UNKNOWN_POLICY = "dmarc_unknown_policy"
    DMARC_SEVERAL = "dmarc_several"
    DMARC_MISSING = "dmarc_missing"


# {host} and {value} are those of the record to publish, {place} is where something else was found.
SENTENCES: dict[Finding, tuple[CheckState, str]] = {
    Finding.NO_ANSWER: (
        CheckState.UNSURE,
        "The nameservers for {host} did not answer just now, so nothing has changed. We will look again.",
    ),
    Finding.DOMAIN_TWICE: (
        CheckState.WRONG,
        "The record was entered as {place}: your DNS provider adds the domain by itself. "
        "Enter only the part before your domain as the name.",
    ),
    Finding.DKIM_FOUND: (CheckState.OK, "The DKIM key is published."),
    Finding.DKIM_MISSING: (
        CheckState.MISSING,
        "There is no TXT record at {host} yet. Add it at your DNS provider; "
        "it usually shows within the hour, at some providers within a day.",
    ),
    Finding.DKIM_SEVERAL: (
        CheckState.WRONG,
        "There are several TXT records at {host}. Remove all but the one shown here.",
    ),
    Finding.DKIM_CUT_OFF: (
        CheckState.WRONG,
        "The key at {host} is cut off. Paste the whole value; where your DNS provider takes 255 characters at most, "
        "split it into pieces in quotation marks.",
    ),
    Finding.DKIM_REVOKED: (
        CheckState.WRONG,
        "The record at {host} has an empty key, which means that it is withdrawn. "
        "Replace it with the value shown here.",
    ),
    Finding.DKIM_NO_KEY: (
        CheckState.WRONG,
        "The TXT record at {host} is not a DKIM key. Replace it with the value shown here.",
    ),
    Finding.DKIM_OTHER_KEY: (
        CheckState.WRONG,
        "The record at {host} holds another key. Replace it with the value shown here.",
    ),
    Finding.RETURN_PATH_FOUND: (
        CheckState.OK,
        "Bounces come back through {host}, and SPF passes for your domain.",
    ),
    Finding.RETURN_PATH_MISSING: (
        CheckState.MISSING,
        "There is no CNAME record at {host}. Your mail is sent without it; with it SPF passes for your domain.",
    ),
    Finding.RETURN_PATH_ELSEWHERE: (
        CheckState.WRONG,
        "{host} leads to {place}. Let it lead to {value} instead.",
    ),
    Finding.SPF_FOUND: (CheckState.OK, "Your SPF record names our servers."),
    Finding.SPF_MISSING: (
        CheckState.MISSING,
        "{host} has no SPF record. It is needed only if you can't add the CNAME record for the return path.",
    ),
    Finding.SPF_WITHOUT_US: (
        CheckState.MISSING,
        "Your SPF record does not name our servers, which is needed only if you can't add the CNAME record for the "
        "return path. Then put the `include:` part shown here into the record you have; never add a second one.",
    ),
    Finding.SPF_SEVERAL: (
        CheckState.WRONG,
        "{host} has several SPF records, so receivers ignore them all. Merge them into one.",
    ),
    Finding.DMARC_FOUND: (CheckState.OK, "A DMARC policy is published."),
    Finding.DMARC_FOUND_ABOVE: (CheckState.OK, "The DMARC policy at {place} covers this domain."),
    Finding.DMARC_WITHOUT_POLICY: (
        CheckState.OK,
        "The DMARC record at {place} names no policy, which counts as p=none.",
    ),
    Finding.DMARC_UNKNOWN_POLICY: (
        CheckState.WRONG,
        "The DMARC record at {place} has a policy that does not exist. Use p=none, p=quarantine or p=reject.",
    ),
    Finding.DMARC_SEVERAL: (
        CheckState.WRONG,
        "There are several DMARC records at {place}, so receivers ignore them all. Remove all but one.",
    ),
    Finding.DMARC_MISSING: (
        CheckState.MISSING,
        "There is no DMARC record for this domain. Gmail and Yahoo ask for one; the value shown here is enough.",
    ),
}


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one look at one record came to. `found`: what stands in DNS, "" for nothing, at most 500 characters."""

    purpose: Purpose
    host: str
    state: CheckState
    finding: Finding
    found: str
    sentence: str

    @property
    def ok(self) -> bool:
        return self.state is CheckState.OK

    @property
    def failed(self) -> bool:
        """DNS answered, and the record is not what it should be."""
        return self.state in (CheckState.MISSING, CheckState.WRONG)

    def as_row(self) -> dict[str, str]:
        """As kept in the column `checks` of a domain."""
        return {
            "purpose": self.purpose,
            "host": self.host,
            "state": self.state,
            "finding": self.finding,
            "found": self.found,
            "sentence": self.sentence,
        }

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> Self:
        return cls(
            purpose=Purpose(row["purpose"]),
            host=row["host"],
            state=CheckState(row["state"]),
            finding=Finding(row["finding"]),
            found=row["found"],
            sentence=row["sentence"],
        )


def conclude(record: DnsRecord, finding: Finding, *found: str, place: str = "") -> CheckResult:
    """The result for `record`. `found` comes from strangers: cut, and without control characters."""
    state, sentence = SENTENCES[finding]
    return CheckResult(
        purpose=record.purpose,
        host=record.host,
        state=state,
        finding=finding,
        found=_harmless("\n".join(found)),
        sentence=sentence.format(host=record.host, value=record.value, place=_harmless(place)),
    )


def _harmless(text: str) -> str:
    cut = text[:LONGEST_FOUND]
    return "".join(
        character if character.isprintable() or character == "\n" else "\ufffd" for character in cut
    )
