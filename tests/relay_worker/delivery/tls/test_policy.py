"""The rules: what each mail server has to come to."""

from datetime import timedelta

import pytest

from relay_worker.delivery.tls.levels import TlsFailure, TlsLevel
from relay_worker.delivery.tls.mta_sts import StsMode, StsPolicy
from relay_worker.delivery.tls.policy import OPPORTUNISTIC, HostDemand, TlsDemand, TlsPolicy, decide
from relay_worker.delivery.tls.tlsa import HostTlsa, Tlsa

HOST = "mx.shop.test"
KEY = Tlsa(3, 1, 1, bytes(32))
DANE = HostTlsa(HOST, HOST, (HOST,), (KEY,))
UNUSABLE = HostTlsa(HOST, HOST, (HOST,), (Tlsa(1, 1, 1, bytes(32)),))
BOGUS = HostTlsa(HOST, HOST, bogus=True)

CLEAR, ENCRYPTED, NAMED, TLSA = TlsLevel


def sts(mode: StsMode = StsMode.ENFORCE, *mx: str) -> StsPolicy:
    return StsPolicy(mode, mx or (HOST,), timedelta(days=1))


def of(policy: TlsPolicy, **ours: bool) -> HostDemand:
    return decide(policy, **ours).of(HOST)


@pytest.mark.parametrize(
    ("policy", "need", "aim"),
    [
        (TlsPolicy("shop.test"), CLEAR, ENCRYPTED),
        (TlsPolicy("shop.test", sts()), NAMED, NAMED),
        (TlsPolicy("shop.test", sts(StsMode.TESTING)), CLEAR, NAMED),
        (TlsPolicy("shop.test", sts(StsMode.TESTING, "mx.other.test")), CLEAR, ENCRYPTED),
        (TlsPolicy("shop.test", None, (DANE,)), TLSA, TLSA),
        (TlsPolicy("shop.test", None, (UNUSABLE,)), ENCRYPTED, ENCRYPTED),
        (TlsPolicy("shop.test", sts(), (DANE,)), TLSA, TLSA),
        (TlsPolicy("shop.test", sts(), (UNUSABLE,)), NAMED, NAMED),
        (TlsPolicy("shop.test", sts(StsMode.TESTING), (UNUSABLE,)), ENCRYPTED, ENCRYPTED),
    ],
)
def test_what_a_domain_has_published_is_demanded_of_its_server(
    policy: TlsPolicy, need: TlsLevel, aim: TlsLevel
) -> None:
    demand = of(policy)
    assert (demand.need, demand.aim, demand.refusal) == (need, aim, None)


def test_records_of_no_use_lower_nothing_that_is_asked_for_anyway() -> None:
    demand = TlsDemand(tlsa=(UNUSABLE,), floor=NAMED, floor_because="the operator").of(HOST)
    assert (demand.need, demand.aim, demand.because) == (NAMED, NAMED, "the operator")


@pytest.mark.parametrize("who", ["account", "provider"])
def test_what_our_own_people_require_is_encryption_whatever_is_published(who: str) -> None:
    ours = {f"{who}_requires_tls": True}
    nothing = of(TlsPolicy("shop.test"), **ours)
    testing = of(TlsPolicy("shop.test", sts(StsMode.TESTING)), **ours)
    assert (nothing.need, nothing.aim, nothing.because) == (ENCRYPTED, ENCRYPTED, f"the {who}")
    assert (testing.need, testing.aim) == (ENCRYPTED, NAMED)
    assert of(TlsPolicy("shop.test", sts()), **ours).need is NAMED


def test_a_server_that_an_enforced_policy_does_not_name_is_refused() -> None:
    demand = of(TlsPolicy("shop.test", sts(StsMode.ENFORCE, "mx.other.test")))
    assert demand.refusal is not None
    assert demand.refusal.line() == (
        "454 4.7.5 the domain's MTA-STS policy does not name the mail server mx.shop.test"
    )


def test_a_server_that_a_tested_policy_does_not_name_is_only_counted() -> None:
    demand = of(TlsPolicy("shop.test", sts(StsMode.TESTING, "mx.other.test")))
    assert (demand.refusal, demand.failure) == (None, TlsFailure.VALIDATION)


def test_a_server_with_tlsa_records_need_not_be_named_by_the_policy() -> None:
    assert of(TlsPolicy("shop.test", sts(StsMode.ENFORCE, "mx.other.test"), (DANE,))).refusal is None


def test_a_server_whose_tlsa_records_cannot_be_validated_is_refused_whatever_else_holds() -> None:
    demand = of(TlsPolicy("shop.test", sts(), (BOGUS,)))
    assert demand.refusal is not None
    assert (demand.refusal.code, demand.failure) == (454, TlsFailure.DNSSEC_INVALID)


def test_a_server_without_records_is_not_held_to_its_neighbours() -> None:
    demand = decide(TlsPolicy("shop.test", None, (DANE,))).of("mx2.shop.test")
    assert (demand.need, demand.aim) == (CLEAR, ENCRYPTED)


def test_the_senders_word_sets_aside_what_the_domain_published_and_nothing_else() -> None:
    published = TlsPolicy("shop.test", sts(StsMode.ENFORCE, "mx.other.test"), (BOGUS,))
    assert of(published, tls_not_required=True) == HostDemand()
    assert of(published, tls_not_required=True, account_requires_tls=True).need is ENCRYPTED


def test_domains_that_demand_the_same_of_their_servers_share_connections() -> None:
    assert decide(TlsPolicy("a.test")) == decide(TlsPolicy("b.test")) == OPPORTUNISTIC
    assert decide(TlsPolicy("a.test", sts())) == decide(TlsPolicy("b.test", sts()))
    assert hash(decide(TlsPolicy("a.test", sts()))) == hash(decide(TlsPolicy("b.test", sts())))
    assert decide(TlsPolicy("a.test", sts())) != decide(TlsPolicy("a.test"))


def test_at_a_provider_that_requires_tls_all_accounts_share_connections() -> None:
    required, strict = (
        decide(TlsPolicy("a.test"), provider_requires_tls=True, account_requires_tls=account)
        for account in (False, True)
    )
    assert required == strict != decide(TlsPolicy("a.test"), account_requires_tls=True)
