"""DNS resolvers of dnspython, made from the settings."""

import ipaddress

import dns.asyncresolver
import dns.nameserver


def make_resolver(nameservers: tuple[str, ...]) -> dns.asyncresolver.Resolver:
    """A resolver for `address` or `address:port` each (`[address]:port` for IPv6); the system's own when none is given."""
    if not nameservers:
        return dns.asyncresolver.Resolver()
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = [_nameserver(text) for text in nameservers]
    return resolver


def _nameserver(text: str) -> dns.nameserver.Nameserver:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        address, _, port = text.rpartition(":")
        return dns.nameserver.Do53Nameserver(address.strip("[]"), int(port))
    return dns.nameserver.Do53Nameserver(text)
