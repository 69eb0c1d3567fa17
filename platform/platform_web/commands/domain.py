"""`frankpost domain`: sending domains and their DNS records."""

import click

from platform_core.clock import SystemClock
from platform_core.security import Seal
from platform_core.settings import settings
from platform_web.commands.output import Row, json_option, say, show_many, show_one, yes_option
from platform_web.commands.scope import ResellerScope, account_option, reseller_option, reseller_scope
from tenants.domains.checking import check_domain
from tenants.domains.queries import RecordStatus, domain_named, domains_of, record_statuses
from tenants.domains.reader import RecordReader
from tenants.domains.services import add_domain, parse_domain, remove_domain, rotate_dkim_key
from tenants.hostnames.queries import hostname_for
from tenants.models import Domain, HostPurpose


@click.group()
def domain() -> None:
    """Sending domains, their DKIM keys and DNS records."""


@domain.command()
@click.argument("name")
@reseller_option
@account_option
@json_option
def add(name: str, reseller_key: str, account_name: str, as_json: bool) -> None:
    """Add a domain and print the records to publish."""
    with reseller_scope(reseller_key) as scope:
        added = add_domain(scope.session, scope.account(account_name).id, name, seal=_seal())
        _show(scope, added, as_json=as_json)


@domain.command("list")
@reseller_option
@account_option
@json_option
def list_domains(reseller_key: str, account_name: str, as_json: bool) -> None:
    """The domains of an account."""
    with reseller_scope(reseller_key) as scope:
        found = domains_of(scope.session, scope.account(account_name).id)
        show_many([_row(one) for one in found], as_json=as_json)


@domain.command()
@click.argument("name")
@reseller_option
@account_option
@json_option
def show(name: str, reseller_key: str, account_name: str, as_json: bool) -> None:
    """The records to publish, and what the last check found."""
    with reseller_scope(reseller_key) as scope:
        _show(scope, _find(scope, account_name, name), as_json=as_json)


@domain.command()
@click.argument("name")
@reseller_option
@account_option
@json_option
def check(name: str, reseller_key: str, account_name: str, as_json: bool) -> None:
    """Look into DNS now."""
    with reseller_scope(reseller_key) as scope:
        found = _find(scope, account_name, name)
        scope.session.commit()  # the look-ups take their time, and hold no connection
        reader = RecordReader.from_settings(settings())
        check_domain(scope.reseller, found.account_id, found.id, reader=reader, clock=SystemClock())
        scope.session.expire_all()
        _show(scope, found, as_json=as_json)


@domain.command()
@click.argument("name")
@yes_option("Mail from this domain is refused from now on, and its keys are gone. Go on?")
@reseller_option
@account_option
@json_option
def remove(name: str, reseller_key: str, account_name: str, as_json: bool) -> None:
    """Remove a domain and its keys for good."""
    with reseller_scope(reseller_key) as scope:
        found = _find(scope, account_name, name)
        remove_domain(scope.session, found)
    say(f"{found.name} is gone.", {"name": found.name, "removed": True}, as_json=as_json)


@domain.command("rotate-key")
@click.argument("name")
@reseller_option
@account_option
@json_option
def rotate_key(name: str, reseller_key: str, account_name: str, as_json: bool) -> None:
    """Make the next DKIM key; it signs as soon as a check finds its record."""
    with reseller_scope(reseller_key) as scope:
        found = _find(scope, account_name, name)
        rotate_dkim_key(scope.session, found, seal=_seal())
        _show(scope, found, as_json=as_json)


def _seal() -> Seal:
    return Seal(settings().secret_key.get_secret_value())


def _find(scope: ResellerScope, account_name: str, name: str) -> Domain:
    return domain_named(scope.session, scope.account(account_name).id, parse_domain(name))


def _show(scope: ResellerScope, found: Domain, *, as_json: bool) -> None:
    host = hostname_for(scope.platform, scope.reseller.id, HostPurpose.RETURN_PATH)
    records = [_record(status) for status in record_statuses(found, host)]
    show_one(_row(found) | {"records": records}, as_json=as_json)
    if as_json:
        return
    for record in records:
        click.echo()
        show_one(record, as_json=False)


def _record(status: RecordStatus) -> Row:
    result = status.result
    return {
        "purpose": status.record.purpose,
        "need": status.record.need,
        "type": status.record.type,
        "host": status.record.host,
        "value": status.record.value,
        "state": result.state if result else None,
        "found": result.found if result else None,
        "explanation": result.sentence if result else None,
    }


def _row(found: Domain) -> Row:
    return {
        "id": found.id,
        "account_id": found.account_id,
        "name": found.name,
        "state": found.state,
        "return_path_verified": found.return_path_verified,
        "checked_at": found.checked_at,
        "failing_since": found.failing_since,
        "created_at": found.created_at,
    }
