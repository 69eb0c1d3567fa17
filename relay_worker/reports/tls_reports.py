"""TLS reports (RFC 8460): what was counted of a day, and the JSON that tells a domain about it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from sqlalchemy import text
from sqlalchemy.orm import Session

from relay_worker.queue.tls_book import PolicyType, TlsCount

SUCCESS = "success"


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who reports; `contact` is an address for questions (RFC 8460 4.4)."""

    organisation: str
    contact: str


def tls_counts(session: Session, day: date) -> list[TlsCount]:
    """All sessions of `day` (UTC), by domain, type of policy, mail server and result. For staff."""
    rows = session.execute(text("SELECT * FROM relay.tls_reports(:day)"), {"day": day})
    return [
        TlsCount(
            day=row.day,
            domain=row.policy_domain,
            policy_type=PolicyType(row.policy_type),
            mx_host=row.mx_host,
            result=row.result_type,
            sessions=row.sessions,
            policy=tuple(row.policy),
        )
        for row in rows
    ]


def tls_report(counts: Sequence[TlsCount], domain: str, day: date, reporter: Reporter) -> str:
    """The report on `domain` as JSON (RFC 8460 4.4), out of the counts of `day`.

    The optional addresses of senders and servers are left out: sessions are counted by mail server.
    """
    own = sorted(
        (count for count in counts if (count.domain, count.day) == (domain, day)),
        key=lambda count: count.policy_type,
    )
    policies = [
        _policy(domain, kind, list(group))
        for kind, group in groupby(own, key=lambda count: count.policy_type)
    ]
    report = {
        "organization-name": reporter.organisation,
        "date-range": {"start-datetime": f"{day}T00:00:00Z", "end-datetime": f"{day}T23:59:59Z"},
        "contact-info": reporter.contact,
        "report-id": f"{day}_{domain}",
        "policies": policies,
    }
    return json.dumps(report, indent=2)


def _policy(domain: str, kind: PolicyType, counts: Sequence[TlsCount]) -> dict[str, object]:
    failures = [count for count in counts if count.result != SUCCESS]
    return {
        "policy": {
            "policy-type": kind,
            "policy-string": list(next((count.policy for count in counts if count.policy), ())),
            "policy-domain": domain,
            "mx-host": _servers(counts),
        },
        "summary": {
            "total-successful-session-count": sum(
                count.sessions for count in counts if count.result == SUCCESS
            ),
            "total-failure-session-count": sum(count.sessions for count in failures),
        },
        "failure-details": [_failure(count) for count in failures],
    }


def _servers(counts: Sequence[TlsCount]) -> list[str]:
    """As the policy names them (MTA-STS), else the ones we met."""
    lines = next(
        (count.policy for count in counts if count.policy_type is PolicyType.STS and count.policy), ()
    )
    named = [line.removeprefix("mx: ") for line in lines if line.startswith("mx: ")]
    return named or sorted({count.mx_host for count in counts if count.mx_host})


def _failure(count: TlsCount) -> dict[str, object]:
    details: dict[str, object] = {"result-type": count.result, "failed-session-count": count.sessions}
    return details | ({"receiving-mx-hostname": count.mx_host} if count.mx_host else {})
