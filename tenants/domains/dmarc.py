"""Finding the DMARC record that covers a domain, as receivers do: the tree walk of RFC 9989 4.10."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tenants.domains.findings import CheckResult, Finding, conclude
from tenants.domains.reader import RecordReader
from tenants.domains.records import DnsRecord

MOST_LABELS = 7  # of a name above the domain itself; bounds the walk to eight questions

POLICIES = frozenset({"none", "quarantine", "reject"})
_VERSION = re.compile(r"v\s*=\s*DMARC1\s*(;|$)")


@dataclass(frozen=True, slots=True)
class PolicyRecord:
    """A DMARC record and the name it stands at. `policy` None: the record names none."""

    host: str
    text: str
    policy: str | None
    psd: str


async def check_dmarc(record: DnsRecord, domain: str, reader: RecordReader) -> CheckResult:
    """Look at the domain itself and, where it has no record, at the domains above it, all at once."""
    own_host, *hosts = (f"_dmarc.{name}" for name in walk(domain))
    own = await _policy_texts(own_host, reader)
    if len(own) > 1:
        return conclude(record, Finding.DMARC_SEVERAL, *own, place=own_host)
    if own:
        found: PolicyRecord | None = parse(own_host, own[0])
    else:
        answers = await asyncio.gather(*(_policy_texts(host, reader) for host in hosts))
        found = applicable(
            [parse(host, texts[0]) for host, texts in zip(hosts, answers, strict=True) if len(texts) == 1]
        )
    if found is None:
        return conclude(record, Finding.DMARC_MISSING)
    return conclude(record, _judge(found, own_host=own_host), found.text, place=found.host)


def walk(domain: str) -> Iterator[str]:
    """The names whose records count, the domain first."""
    yield domain
    labels = domain.split(".")
    for start in range(max(1, len(labels) - MOST_LABELS), len(labels)):
        yield ".".join(labels[start:])


def applicable(found: list[PolicyRecord]) -> PolicyRecord | None:
    """Of the records above a domain the one that decides: the organisational domain's, else a public suffix's.

    `found` is in the order of the walk, which `psd=n` ends; otherwise the organisational domain is the highest with a
    record that is no public suffix (RFC 9989 4.10.2).
    """
    organisations: list[PolicyRecord] = []
    for record in found:
        if record.psd == "y":
            return organisations[-1] if organisations else record
        organisations.append(record)
        if record.psd == "n":
            break
    return organisations[-1] if organisations else None


def parse(host: str, text: str) -> PolicyRecord:
    """Tags of a DMARC record (RFC 9989 4.7); unknown ones are ignored."""
    pairs = (part.partition("=") for part in text.split(";"))
    tags = {name.strip().lower(): value.strip().lower() for name, _, value in pairs}
    return PolicyRecord(host, text, tags.get("p"), tags.get("psd", "u"))


def _judge(found: PolicyRecord, *, own_host: str) -> Finding:
    if found.policy is None:
        return Finding.DMARC_WITHOUT_POLICY
    if found.policy not in POLICIES:
        return Finding.DMARC_UNKNOWN_POLICY
    return Finding.DMARC_FOUND if found.host == own_host else Finding.DMARC_FOUND_ABOVE


async def _policy_texts(host: str, reader: RecordReader) -> list[str]:
    """Records at `host` that are DMARC records; several of them count as none (RFC 9989 4.10.1)."""
    return [text for text in await reader.texts(host) if _VERSION.match(text.strip())]
