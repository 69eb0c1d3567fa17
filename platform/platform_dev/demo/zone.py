"""The demo's DNS: the receiving server's records, the agency's hosts, and what each customer would publish."""

from collections.abc import Iterable, Iterator

from platform_dev.demo import layout as demo
from platform_dev.zone import quoted
from tenants.domains.queries import plan_of
from tenants.domains.records import Purpose, records_to_publish
from tenants.models import Domain

_AGENCY_HOSTS = (demo.PORTAL_HOST, demo.SMTP_HOST, demo.TRACKING_HOST, demo.RETURN_PATH_HOST)


def zone_text(domains: Iterable[Domain]) -> str:
    """A zone file (RFC 1035 5.1) for the demo's nameserver."""
    return (
        "\n".join([*_fixed_records(), *(line for domain in domains for line in _published_by(domain))]) + "\n"
    )


def _fixed_records() -> Iterator[str]:
    yield f"{demo.RECIPIENT_DOMAIN}. 60 IN MX 10 {demo.RECIPIENT_MX}."
    for host in (demo.RECIPIENT_MX, *_AGENCY_HOSTS):
        yield f"{host}. 60 IN A 127.0.0.1"
    yield f"{demo.RETURN_PATH_HOST}. 60 IN MX 10 {demo.RETURN_PATH_HOST}."
    yield f"{demo.RETURN_PATH_HOST}. 60 IN TXT {quoted('v=spf1 ip4:127.0.0.1 -all')}"


def _published_by(domain: Domain) -> Iterator[str]:
    yield f"{domain.name}. 60 IN A 127.0.0.1"
    for record in records_to_publish(plan_of(domain, demo.RETURN_PATH_HOST)):
        if record.purpose is Purpose.SPF:
            continue  # the return path's CNAME does its work
        value = quoted(record.value) if record.type == "TXT" else f"{record.value}."
        yield f"{record.host}. 60 IN {record.type} {value}"
