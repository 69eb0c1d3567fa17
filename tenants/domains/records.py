"""The DNS records that a customer publishes for a sending domain."""

from dataclasses import dataclass
from enum import StrEnum

from platform_core.mail.addresses import RETURN_PATH_LABEL
from tenants.models import KeyState


class Purpose(StrEnum):
    """What a record is for. DKIM_NEXT is the key that takes over as soon as it is found."""

    DKIM = "dkim"
    DKIM_NEXT = "dkim_next"
    RETURN_PATH = "return_path"
    SPF = "spf"
    DMARC = "dmarc"


class Need(StrEnum):
    REQUIRED = "required"
    RECOMMENDED = "recommended"
    OPTIONAL = "optional"


class RecordType(StrEnum):
    TXT = "TXT"
    CNAME = "CNAME"


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """One record to publish. `host` and `value` are whole, without a trailing dot; a long TXT value is not yet cut up."""

    purpose: Purpose
    host: str
    type: RecordType
    value: str
    need: Need

    @property
    def required(self) -> bool:
        return self.need is Need.REQUIRED


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A DKIM key as far as DNS knows it; `state` is ACTIVE or NEXT."""

    selector: str
    public_key: str
    state: KeyState


@dataclass(frozen=True, slots=True)
class DomainPlan:
    """A sending domain as far as its DNS goes. `return_path_host`: the reseller's own, None while it has none."""

    name: str
    keys: tuple[PublishedKey, ...]
    return_path_host: str | None
    return_path_verified: bool


def records_to_publish(plan: DomainPlan) -> tuple[DnsRecord, ...]:
    """The records in the order in which they matter.

    The return path is a CNAME, so that SPF passes and matches the domain without costing it one of its ten look-ups
    (RFC 7208 4.6.4). An SPF record of the domain itself is offered only as long as the CNAME is not there.
    """
    records = [dkim_record(plan.name, key) for key in plan.keys]
    if plan.return_path_host:
        records.append(return_path_record(plan.name, plan.return_path_host))
        if not plan.return_path_verified:
            records.append(spf_record(plan.name, plan.return_path_host))
    return (*records, dmarc_record(plan.name))


def dkim_record(domain: str, key: PublishedKey) -> DnsRecord:
    """Proves that the domain is the customer's, and lets receivers check our signature (RFC 6376 3.6.1)."""
    active = key.state is KeyState.ACTIVE
    return DnsRecord(
        purpose=Purpose.DKIM if active else Purpose.DKIM_NEXT,
        host=f"{key.selector}._domainkey.{domain}",
        type=RecordType.TXT,
        value=f"v=DKIM1; k=rsa; p={key.public_key}",
        need=Need.REQUIRED if active else Need.RECOMMENDED,
    )


def return_path_record(domain: str, return_path_host: str) -> DnsRecord:
    """Where bounces come back: the envelope sender's domain, whose SPF record is the reseller's affair."""
    return DnsRecord(
        purpose=Purpose.RETURN_PATH,
        host=f"{RETURN_PATH_LABEL}.{domain}",
        type=RecordType.CNAME,
        value=return_path_host,
        need=Need.RECOMMENDED,
    )


def spf_record(domain: str, return_path_host: str) -> DnsRecord:
    return DnsRecord(
        purpose=Purpose.SPF,
        host=domain,
        type=RecordType.TXT,
        value=f"v=spf1 include:{return_path_host} ~all",
        need=Need.OPTIONAL,
    )


def dmarc_record(domain: str) -> DnsRecord:
    """The least that Gmail and Yahoo ask of those who send much (RFC 9989 4.7)."""
    return DnsRecord(
        purpose=Purpose.DMARC,
        host=f"_dmarc.{domain}",
        type=RecordType.TXT,
        value="v=DMARC1; p=none",
        need=Need.RECOMMENDED,
    )
