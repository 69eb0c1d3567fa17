"""`frankpost reseller signing-domain`: the domain by which a reseller signs all its mail beside its customers' domains."""

import click

from platform_core.clock import SystemClock
from platform_core.security import Seal
from platform_core.settings import settings
from platform_web.commands.output import Row, json_option, say, show_one, yes_option
from platform_web.commands.scope import reseller_scope
from tenants.domains.reader import RecordReader
from tenants.models import SigningDomain
from tenants.resellers.signing_check import check_signing_domain
from tenants.resellers.signing_domain import (
    remove_signing_domain,
    set_signing_domain,
    signing_record,
    the_signing_domain,
)


@click.group("signing-domain")
def signing_domain() -> None:
    """The domain that signs all mail of a reseller a second time, so that complaints come to one place."""


@signing_domain.command("set")
@click.argument("key")
@click.argument("name")
@click.option("--new-key", is_flag=True, help="Replace the key; the domain signs again once that is found.")
@json_option
def set_name(key: str, name: str, new_key: bool, as_json: bool) -> None:
    """Sign as NAME as soon as its record is found; prints the record to publish."""
    seal = Seal(settings().secret_key.get_secret_value())
    with reseller_scope(key) as scope:
        show_one(_row(set_signing_domain(scope.session, name, seal=seal, new_key=new_key)), as_json=as_json)


@signing_domain.command()
@click.argument("key")
@json_option
def show(key: str, as_json: bool) -> None:
    """The domain, its record, and what the last check found."""
    with reseller_scope(key) as scope:
        show_one(_row(the_signing_domain(scope.session)), as_json=as_json)


@signing_domain.command()
@click.argument("key")
@json_option
def check(key: str, as_json: bool) -> None:
    """Look into DNS now."""
    with reseller_scope(key) as scope:
        the_signing_domain(scope.session)
        scope.session.commit()  # the look-ups take their time, and hold no connection
        reader = RecordReader.from_settings(settings())
        check_signing_domain(scope.reseller, reader=reader, clock=SystemClock())
        show_one(_row(the_signing_domain(scope.session)), as_json=as_json)


@signing_domain.command()
@click.argument("key")
@yes_option("Mail is signed by its senders' domains alone from now on, and this key is gone. Go on?")
@json_option
def remove(key: str, as_json: bool) -> None:
    """Sign as it no more."""
    with reseller_scope(key) as scope:
        found = the_signing_domain(scope.session)
        remove_signing_domain(scope.session, found)
    say(f"{found.name} signs no more.", {"name": found.name, "removed": True}, as_json=as_json)


def _row(found: SigningDomain) -> Row:
    status = signing_record(found)
    return {
        "name": found.name,
        "state": found.state,
        "record_type": status.record.type,
        "record_host": status.record.host,
        "record_value": status.record.value,
        "found": status.result.sentence if status.result else "",
        "checked_at": found.checked_at,
    }
