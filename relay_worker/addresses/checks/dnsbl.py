"""DNS block lists (RFC 5782): whether one names an address."""

import ipaddress

from relay_worker.addresses.checks.names import Names, NoAnswer

# RFC 5782 2.1: listings are answers in 127.0.0.0/8. What lies outside is a dead zone that somebody now answers for.
_LISTED = ipaddress.ip_network("127.0.0.0/8")
# Spamhaus and others: errors, such as a public resolver that is not served; they say nothing of the address.
_ERRORS = ipaddress.ip_network("127.255.255.0/24")
# RFC 5782 5: an address that no list names. A zone that does names the whole world.
_NEVER_LISTED = "127.0.0.1"
_NEVER_LISTED_IPV6 = "::ffff:7f00:1"


def query_name(address: str, zone: str) -> str:
    """RFC 5782 2.1 and 2.4: the octets of an IPv4 address, or the 32 nibbles of an IPv6 one, backwards below the zone."""
    parsed = ipaddress.ip_address(address)
    digits = str(parsed).split(".") if parsed.version == 4 else parsed.exploded.replace(":", "")
    return ".".join(reversed(digits)) + f".{zone}"


async def is_listed(address: str, zone: str, names: Names) -> bool | None:
    """Whether the zone names the address; None when it does not say, or can't be believed."""
    try:
        codes = await _codes(query_name(address, zone), names)
        if not codes or any(code in _ERRORS for code in codes):
            return None if codes else False
        return None if await _names_everybody(address, zone, names) else True
    except NoAnswer:
        return None


async def _names_everybody(address: str, zone: str, names: Names) -> bool:
    probe = _NEVER_LISTED if ipaddress.ip_address(address).version == 4 else _NEVER_LISTED_IPV6
    return bool(await _codes(query_name(probe, zone), names))


async def _codes(name: str, names: Names) -> list[ipaddress.IPv4Address]:
    """The answers that speak of a listing or of an error. RFC 5782 2.4: they are A records for IPv6 too."""
    found = [ipaddress.IPv4Address(address) for address in await names.addresses(name)]
    return [address for address in found if address in _LISTED]
