"""Verbs on hostnames. They are the platform's rows: a name leads to one reseller only."""

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from platform_core.errors import AlreadyExists, InvalidInput, NotFound
from platform_core.ids import ResellerId
from platform_core.mail.addresses import AddressSyntax, domain_to_ascii
from platform_core.security import Seal
from platform_core.settings import settings
from tenants.hostnames.certificates import CertificatePair
from tenants.models import Hostname, HostPurpose


def parse_hostname(text: str) -> str:
    """`text` as a lower-case host name in A-labels. Raises InvalidInput unless it has at least two labels."""
    try:
        name = domain_to_ascii(text.strip())
    except AddressSyntax as error:
        raise InvalidInput("hostname", f"{text!r} is not a host name.") from error
    if "." not in name:
        raise InvalidInput("hostname", f"{name} needs a domain, as in mail.example.com.")
    return name


def add_hostname(session: Session, reseller_id: ResellerId, name: str, purpose: HostPurpose) -> Hostname:
    """Let `name` lead to the reseller. Raises InvalidInput, or AlreadyExists when it leads somewhere already.

    The console's name does, and whoever followed it would see the platform's.
    """
    hostname = Hostname(name=parse_hostname(name), reseller_id=reseller_id, purpose=purpose)
    if hostname.name == settings().platform_host.lower():
        raise AlreadyExists(f"The host name {hostname.name} is already in use.")
    try:
        with session.begin_nested():
            session.add(hostname)
    except IntegrityError as error:
        raise AlreadyExists(f"The host name {hostname.name} is already in use.") from error
    return hostname


def remove_hostname(session: Session, reseller_id: ResellerId, name: str) -> None:
    """Take the name away from the reseller. Raises NotFound when it is not this reseller's."""
    hostname = session.get(Hostname, parse_hostname(name))
    if hostname is None or hostname.reseller_id != reseller_id:
        raise NotFound(f"The host name {name} does not exist here.")
    session.delete(hostname)
    session.flush()


def set_certificate(
    session: Session, reseller_id: ResellerId, name: str, pair: CertificatePair, *, seal: Seal
) -> Hostname:
    """Let the relay show this certificate to clients that ask for `name`. Raises NotFound unless the name is an SMTP
    host name of the reseller.
    """
    hostname = session.get(Hostname, parse_hostname(name))
    if hostname is None or hostname.reseller_id != reseller_id or hostname.purpose != HostPurpose.SMTP:
        raise NotFound(f"There is no SMTP host name {name} here.")
    hostname.certificate = pair.chain
    hostname.sealed_key = seal.seal(pair.key)
    session.flush()
    return hostname
