"""`frankpost hostname`: the names that lead to a reseller."""

from typing import BinaryIO

import click

from platform_core.clock import SystemClock
from platform_core.security import Seal
from platform_core.settings import settings
from platform_web.commands.output import Row, json_option, say, show_many, show_one, yes_option
from platform_web.commands.scope import reseller_option, reseller_scope
from tenants.hostnames.certificates import read_pair
from tenants.hostnames.queries import hostnames_of
from tenants.hostnames.services import add_hostname, parse_hostname, remove_hostname, set_certificate
from tenants.models import Hostname, HostPurpose


@click.group()
def hostname() -> None:
    """Host names of a reseller: portal, SMTP, tracking, return path."""


@hostname.command()
@click.argument("name")
@click.option("--purpose", type=click.Choice(list(HostPurpose), case_sensitive=False), required=True)
@reseller_option
@json_option
def add(name: str, purpose: HostPurpose, reseller_key: str, as_json: bool) -> None:
    """Let NAME lead to the reseller."""
    with reseller_scope(reseller_key) as scope:
        added = add_hostname(scope.platform, scope.reseller.id, name, purpose)
        scope.platform.refresh(added)
        row = _row(added)
    show_one(row, as_json=as_json)


@hostname.command()
@click.argument("name")
@click.option(
    "--chain", type=click.File("rb"), required=True, help="The certificate and those behind it, PEM."
)
@click.option("--key", type=click.File("rb"), required=True, help="Its private key without a password, PEM.")
@reseller_option
@json_option
def certificate(name: str, chain: BinaryIO, key: BinaryIO, reseller_key: str, as_json: bool) -> None:
    """Show this certificate to mail clients that ask for NAME. Every relay takes it over within ten seconds."""
    pair = read_pair(chain.read(), key.read(), name=parse_hostname(name), clock=SystemClock())
    seal = Seal(settings().secret_key.get_secret_value())
    with reseller_scope(reseller_key) as scope:
        row = _row(set_certificate(scope.platform, scope.reseller.id, name, pair, seal=seal))
        scope.platform.commit()
    show_one(row, as_json=as_json)


@hostname.command("list")
@reseller_option
@json_option
def list_hostnames(reseller_key: str, as_json: bool) -> None:
    """All names of a reseller; of one purpose the oldest is the one in use."""
    with reseller_scope(reseller_key) as scope:
        found = hostnames_of(scope.platform, scope.reseller.id)
        show_many([_row(one) for one in found], as_json=as_json)


@hostname.command()
@click.argument("name")
@yes_option("The name leads nowhere from now on. Go on?")
@reseller_option
@json_option
def remove(name: str, reseller_key: str, as_json: bool) -> None:
    """Take a name away from the reseller."""
    with reseller_scope(reseller_key) as scope:
        remove_hostname(scope.platform, scope.reseller.id, name)
    say(f"{name} is gone.", {"name": name, "removed": True}, as_json=as_json)


def _row(found: Hostname) -> Row:
    return {
        "name": found.name,
        "purpose": found.purpose,
        "certificate": found.certificate is not None,
        "created_at": found.created_at,
    }
