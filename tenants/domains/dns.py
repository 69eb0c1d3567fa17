"""Looking whether the records of a sending domain are published. Works on plain values; no database is held meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable

from tenants.domains.dmarc import check_dmarc
from tenants.domains.findings import CheckResult, Finding, conclude
from tenants.domains.reader import NoAnswer, RecordReader
from tenants.domains.records import DnsRecord, DomainPlan, Purpose, records_to_publish

CHECK_SECONDS = 20.0  # for all records of a domain together; a person waits for it

Check = Callable[[DnsRecord, str, RecordReader], Awaitable[CheckResult]]


async def look_up(plan: DomainPlan, reader: RecordReader) -> tuple[CheckResult, ...]:
    """A result for each record of the plan, all asked for at once. A fault of DNS is in the result, never raised."""
    records = records_to_publish(plan)
    results = await asyncio.gather(*(_look_up_one(record, plan.name, reader) for record in records))
    return _without_needless_spf(results)


async def _look_up_one(record: DnsRecord, domain: str, reader: RecordReader) -> CheckResult:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await CHECKS[record.purpose](record, domain, reader)
    except (NoAnswer, TimeoutError):
        return conclude(record, Finding.NO_ANSWER)


def _without_needless_spf(results: list[CheckResult]) -> tuple[CheckResult, ...]:
    """Where the return path is right, nothing is said about SPF of the domain itself: nobody needs it."""
    right = any(result.ok for result in results if result.purpose is Purpose.RETURN_PATH)
    return tuple(result for result in results if not (right and result.purpose is Purpose.SPF))


async def check_dkim(record: DnsRecord, domain: str, reader: RecordReader) -> CheckResult:
    """Is our key there, whole and alone?"""
    texts = await reader.texts(record.host)
    if not texts:
        twice = f"{record.host}.{domain}"
        if await _answers(reader.texts, twice):
            return conclude(record, Finding.DOMAIN_TWICE, place=twice)
        return conclude(record, Finding.DKIM_MISSING)
    # RFC 6376 3.6.2.2: with several records it is undefined which one a receiver takes.
    finding = Finding.DKIM_SEVERAL if len(texts) > 1 else _judge_key(texts[0], _key_of(record.value) or "")
    return conclude(record, finding, *texts)


def _judge_key(text: str, ours: str) -> Finding:
    found = _key_of(text)
    if found is None:
        return Finding.DKIM_NO_KEY
    if found == ours:
        return Finding.DKIM_FOUND
    if not found:
        return Finding.DKIM_REVOKED
    return Finding.DKIM_CUT_OFF if ours.startswith(found) else Finding.DKIM_OTHER_KEY


def _key_of(text: str) -> str | None:
    """The `p=` of a DKIM record without white space, which RFC 6376 3.2 allows inside; None when it is no such record."""
    pairs = (part.partition("=") for part in text.split(";"))
    tags = {name.strip(): "".join(value.split()) for name, _, value in pairs}
    if tags.get("v", "DKIM1") != "DKIM1" or tags.get("k", "rsa") != "rsa":
        return None
    return tags.get("p")


async def check_return_path(record: DnsRecord, domain: str, reader: RecordReader) -> CheckResult:
    """Does the CNAME lead to the reseller's host, be it over another name?"""
    aliases = await reader.aliases(record.host)
    if record.value in aliases:
        return conclude(record, Finding.RETURN_PATH_FOUND, *aliases)
    if aliases:
        return conclude(record, Finding.RETURN_PATH_ELSEWHERE, *aliases, place=aliases[-1])
    twice = f"{record.host}.{domain}"
    if await _answers(reader.aliases, twice):
        return conclude(record, Finding.DOMAIN_TWICE, place=twice)
    return conclude(record, Finding.RETURN_PATH_MISSING)


async def check_spf(record: DnsRecord, _domain: str, reader: RecordReader) -> CheckResult:
    """Does the domain's one SPF record name us?"""
    found = [text for text in await reader.texts(record.host) if _is_spf(text)]
    if not found:
        return conclude(record, Finding.SPF_MISSING)
    if len(found) > 1:  # RFC 7208 4.5: a permanent error
        return conclude(record, Finding.SPF_SEVERAL, *found)
    ours = record.value.split()[1]
    named = any(term.lower().removeprefix("+").rstrip(".") == ours for term in found[0].split())
    return conclude(record, Finding.SPF_FOUND if named else Finding.SPF_WITHOUT_US, *found)


def _is_spf(text: str) -> bool:
    """RFC 7208 4.5: exactly this version, ended by a space or the end."""
    return text.split(" ", 1)[0].lower() == "v=spf1"


async def _answers(ask: Callable[[str], Awaitable[tuple[str, ...]]], name: str) -> bool:
    """A side question, whose faults don't matter."""
    try:
        return bool(await ask(name))
    except NoAnswer:
        return False


CHECKS: dict[Purpose, Check] = {
    Purpose.DKIM: check_dkim,
    Purpose.DKIM_NEXT: check_dkim,
    Purpose.RETURN_PATH: check_return_path,
    Purpose.SPF: check_spf,
    Purpose.DMARC: check_dmarc,
}
