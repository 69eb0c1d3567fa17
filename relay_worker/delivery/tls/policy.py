"""What must be true of a connection before mail goes over it: the rules, first one first."""

from collections.abc import Callable
from dataclasses import dataclass, field

from platform_core.mail.replies import Reply
from platform_core.mail.tls import TlsTrust
from relay_worker.delivery.tls.levels import TlsFailure, TlsLevel
from relay_worker.delivery.tls.mta_sts import StsMode, StsPolicy
from relay_worker.delivery.tls.tlsa import HostTlsa


@dataclass(frozen=True, slots=True)
class TlsPolicy:
    """What the domain `domain` has published of its mail servers. `tlsa`: only hosts that DNSSEC says something of."""

    domain: str
    sts: StsPolicy | None = None
    tlsa: tuple[HostTlsa, ...] = ()


@dataclass(frozen=True, slots=True)
class HostDemand:
    """What one mail server has to come to. `aim` is tried first; less will do down to `need`, and nothing below it.

    `refusal` is there when this server may not be used at all. `because` ends the sentence "TLS is required by ...".
    `by_policy`: the domain's MTA-STS policy names the server, and is enforced.
    """

    need: TlsLevel = TlsLevel.CLEAR
    aim: TlsLevel = TlsLevel.ENCRYPTED
    because: str = ""
    tlsa: HostTlsa | None = None
    refusal: Reply | None = None
    failure: TlsFailure | None = None
    by_policy: bool = False

    def trust(self, level: TlsLevel) -> TlsTrust:
        """What vouches for the server when a connection to it has come to `level`."""
        if level is TlsLevel.NAMED and self.by_policy:
            return TlsTrust.MTA_STS
        return _TRUST[level]


_TRUST = {
    TlsLevel.CLEAR: TlsTrust.NONE,
    TlsLevel.ENCRYPTED: TlsTrust.UNVERIFIED,
    TlsLevel.NAMED: TlsTrust.CERTIFICATE,
    TlsLevel.TLSA: TlsTrust.DANE,
}


@dataclass(frozen=True, slots=True)
class TlsDemand:
    """What is demanded for a message. Equal demands may share every connection, whatever domain they come from: so what
    is said when one is not met names no domain.

    `floor`: what the account or the provider's rule asks for, whatever the domain has published. `domain`: whose report
    the session belongs to.
    """

    sts: StsPolicy | None = None
    tlsa: tuple[HostTlsa, ...] = ()
    floor: TlsLevel = TlsLevel.CLEAR
    floor_because: str = ""
    domain: str = field(default="", compare=False)

    def of(self, host: str) -> HostDemand:
        """What the mail server `host` has to come to: the first rule that has something to say."""
        return next(demand for rule in RULES if (demand := rule(self, host)) is not None)


OPPORTUNISTIC = TlsDemand()


def decide(
    policy: TlsPolicy,
    *,
    provider_requires_tls: bool = False,
    account_requires_tls: bool = False,
    tls_not_required: bool = False,
) -> TlsDemand:
    """The demand for one message. `tls_not_required`: its header says `TLS-Required: No` (RFC 8689 5).

    The header sets aside what the recipient's domain has published, never what our own people have set.
    """
    because = "the provider" if provider_requires_tls else "the account" if account_requires_tls else ""
    return TlsDemand(
        sts=None if tls_not_required else policy.sts,
        tlsa=() if tls_not_required else policy.tlsa,
        floor=TlsLevel.ENCRYPTED if because else TlsLevel.CLEAR,
        floor_because=because,
        domain=policy.domain,
    )


# --- the rules ---


def bogus_tlsa(demand: TlsDemand, host: str) -> HostDemand | None:
    """RFC 7672 2.1.1: an answer that cannot be validated may hide the records: not this server, not now."""
    found = _tlsa(demand, host)
    if found is None or not found.bogus:
        return None
    reply = Reply(454, "4.7.5", f"the TLSA records of {host} can't be validated (DANE)")
    return HostDemand(refusal=reply, failure=TlsFailure.DNSSEC_INVALID, tlsa=found)


def usable_tlsa(demand: TlsDemand, host: str) -> HostDemand | None:
    """DANE goes before MTA-STS (RFC 8461 2), and needs no list of servers beside it."""
    found = _tlsa(demand, host)
    if found is None or not found.usable:
        return None
    return HostDemand(TlsLevel.TLSA, TlsLevel.TLSA, "the server's TLSA records (DANE)", found)


def server_outside_policy(demand: TlsDemand, host: str) -> HostDemand | None:
    """RFC 8461 5: no mail to a server that the policy does not name."""
    if not _enforced(demand) or _named(demand, host):
        return None
    reply = Reply(454, "4.7.5", f"the domain's MTA-STS policy does not name the mail server {host}")
    return HostDemand(refusal=reply, failure=TlsFailure.VALIDATION)


def server_in_policy(demand: TlsDemand, host: str) -> HostDemand | None:
    if not _enforced(demand):
        return None
    because = "the domain's MTA-STS policy"
    return HostDemand(TlsLevel.NAMED, TlsLevel.NAMED, because, by_policy=True)


def unusable_tlsa(demand: TlsDemand, host: str) -> HostDemand | None:
    """RFC 7672 2.2: records, but none that we can use, still promise TLS."""
    found = _tlsa(demand, host)
    if found is None:
        return None
    if demand.floor > TlsLevel.ENCRYPTED:
        return HostDemand(demand.floor, demand.floor, demand.floor_because, found)
    because = "the server's TLSA records (DANE)"
    return HostDemand(TlsLevel.ENCRYPTED, TlsLevel.ENCRYPTED, because, found)


def server_outside_tested_policy(demand: TlsDemand, host: str) -> HostDemand | None:
    """A policy under test holds up no mail; what would have, is counted for its report."""
    if demand.sts is None or _named(demand, host):
        return None
    return _floor(demand, max(demand.floor, TlsLevel.ENCRYPTED), TlsFailure.VALIDATION)


def server_in_tested_policy(demand: TlsDemand, host: str) -> HostDemand | None:
    return None if demand.sts is None else _floor(demand, max(demand.floor, TlsLevel.NAMED))


def nothing_published(demand: TlsDemand, host: str) -> HostDemand:
    """Opportunistic TLS (RFC 7435), or what our own people ask for."""
    return _floor(demand, max(demand.floor, TlsLevel.ENCRYPTED))


Rule = Callable[[TlsDemand, str], HostDemand | None]

RULES: tuple[Rule, ...] = (
    bogus_tlsa,
    usable_tlsa,
    server_outside_policy,
    server_in_policy,
    unusable_tlsa,
    server_outside_tested_policy,
    server_in_tested_policy,
    nothing_published,
)


def _floor(demand: TlsDemand, aim: TlsLevel, failure: TlsFailure | None = None) -> HostDemand:
    return HostDemand(demand.floor, aim, demand.floor_because, failure=failure)


def _tlsa(demand: TlsDemand, host: str) -> HostTlsa | None:
    return next((found for found in demand.tlsa if found.host == host), None)


def _enforced(demand: TlsDemand) -> bool:
    return demand.sts is not None and demand.sts.mode is StsMode.ENFORCE


def _named(demand: TlsDemand, host: str) -> bool:
    return demand.sts is not None and demand.sts.names(host)
