"""The records that a customer is asked to publish."""

from dataclasses import replace

from tenants.domains.records import DomainPlan, Need, PublishedKey, Purpose, RecordType, records_to_publish
from tenants.models import KeyState

PLAN = DomainPlan(
    name="customer.example",
    keys=(PublishedKey("s1", "AAAA", KeyState.ACTIVE),),
    return_path_host="bounces.agency.example",
    return_path_verified=False,
)


def lines(plan: DomainPlan) -> list[tuple[str, str, str]]:
    return [(record.host, record.type, record.value) for record in records_to_publish(plan)]


def test_a_domain_asks_for_its_key_its_return_path_and_a_policy() -> None:
    assert lines(PLAN) == [
        ("s1._domainkey.customer.example", "TXT", "v=DKIM1; k=rsa; p=AAAA"),
        ("rp.customer.example", "CNAME", "bounces.agency.example"),
        ("customer.example", "TXT", "v=spf1 include:bounces.agency.example ~all"),
        ("_dmarc.customer.example", "TXT", "v=DMARC1; p=none"),
    ]


def test_only_the_key_that_signs_is_required() -> None:
    required = [record.purpose for record in records_to_publish(PLAN) if record.required]
    assert required == [Purpose.DKIM]


def test_during_a_rotation_both_keys_are_to_be_published() -> None:
    plan = replace(PLAN, keys=(*PLAN.keys, PublishedKey("s2", "BBBB", KeyState.NEXT)))
    second = records_to_publish(plan)[1]
    assert (second.purpose, second.host) == (Purpose.DKIM_NEXT, "s2._domainkey.customer.example")


def test_where_the_return_path_is_right_nobody_is_asked_for_another_include() -> None:
    plan = replace(PLAN, return_path_verified=True)
    assert all("include:" not in record.value for record in records_to_publish(plan))


def test_an_include_is_never_more_than_optional() -> None:
    (spf,) = [record for record in records_to_publish(PLAN) if record.purpose is Purpose.SPF]
    assert (spf.need, spf.type) == (Need.OPTIONAL, RecordType.TXT)


def test_a_reseller_without_a_return_path_host_asks_for_key_and_policy_only() -> None:
    purposes = [record.purpose for record in records_to_publish(replace(PLAN, return_path_host=None))]
    assert purposes == [Purpose.DKIM, Purpose.DMARC]
