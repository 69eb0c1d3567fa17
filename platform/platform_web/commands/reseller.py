"""`frankpost reseller`: resellers and their life."""

import click

from platform_core.ids import ResellerKey
from platform_web.commands.output import Row, json_option, say, show_many, show_one, yes_option
from platform_web.commands.scope import actor, owner_scope, platform_scope
from platform_web.commands.signing_domain import signing_domain
from relay_worker.retention.services import Retention, keep_for, retention_of
from tenants.hostnames.queries import hostnames_of
from tenants.models import HostPurpose, Reseller
from tenants.resellers.queries import all_resellers, reseller_by_key
from tenants.resellers.services import (
    NewReseller,
    create_reseller,
    delete_reseller,
    resume_reseller,
    suspend_reseller,
)


@click.group()
def reseller() -> None:
    """Agencies that sell the relay under their own brand."""


reseller.add_command(signing_domain)


@reseller.command()
@click.argument("key")
@click.option("--name", required=True, help="The agency's name, as its customers see it.")
@click.option("--owner", "owner_email", required=True, metavar="EMAIL", help="Its first owner's address.")
@click.option("--portal", required=True, metavar="HOST", help="Host name of its portal.")
@click.option("--smtp", required=True, metavar="HOST", help="Host name of its relay.")
@click.option("--tracking", metavar="HOST", help="Host name of its tracking links.")
@click.option("--return-path", metavar="HOST", help="Host name that bounces come back to.")
@click.option("--time-zone", default="UTC", show_default=True, help="Time zone of its main account.")
@json_option
def create(
    key: str,
    name: str,
    owner_email: str,
    time_zone: str,
    as_json: bool,
    **hosts: str | None,
) -> None:
    """Make a reseller with its schema. KEY names the schema for good: lower-case letters, digits, underscores."""
    hostnames = {HostPurpose(purpose): host for purpose, host in hosts.items() if host}
    new = NewReseller(ResellerKey(key), name, owner_email, hostnames, time_zone)
    with platform_scope() as session:
        created = create_reseller(session, new, actor=actor())
    show_one(
        {
            "key": created.reseller.key,
            "id": created.reseller.id,
            "owner_email": created.owner_email,
            "owner_password": created.owner_password,
        },
        as_json=as_json,
    )


@reseller.command("list")
@json_option
def list_resellers(as_json: bool) -> None:
    """All resellers."""
    with platform_scope() as session:
        show_many([_row(one) for one in all_resellers(session)], as_json=as_json)


@reseller.command()
@click.argument("key")
@json_option
def show(key: str, as_json: bool) -> None:
    """One reseller with its host names."""
    with platform_scope() as session:
        found = reseller_by_key(session, ResellerKey(key))
        hosts: list[Row] = [
            {"name": host.name, "purpose": host.purpose} for host in hostnames_of(session, found.id)
        ]
        show_one(_row(found) | {"hostnames": hosts}, as_json=as_json)
        if not as_json and hosts:
            click.echo()
            show_many(hosts, as_json=False)


@reseller.command()
@click.argument("key")
@json_option
def suspend(key: str, as_json: bool) -> None:
    """Stop its mail and its logins."""
    with platform_scope() as session:
        found = reseller_by_key(session, ResellerKey(key))
        suspend_reseller(session, found, actor=actor())
        row = _row(found)
    say(f"{row['name']} is suspended.", row, as_json=as_json)


@reseller.command()
@click.argument("key")
@json_option
def resume(key: str, as_json: bool) -> None:
    """Undo a suspension."""
    with platform_scope() as session:
        found = reseller_by_key(session, ResellerKey(key))
        resume_reseller(session, found, actor=actor())
        row = _row(found)
    say(f"{row['name']} is active.", row, as_json=as_json)


@reseller.command()
@click.argument("key")
@click.option("--mail-days", type=int, help="Days that messages with their history are kept.")
@click.option("--body-days", type=int, help="Days that the content of messages is kept.")
@json_option
def retention(key: str, mail_days: int | None, body_days: int | None, as_json: bool) -> None:
    """Set how long its mail is kept; what is not given stays. Without options: show it."""
    with platform_scope() as session:
        found = reseller_by_key(session, ResellerKey(key))
        kept = retention_of(found)
        wanted = Retention(
            mail=kept.mail if mail_days is None else mail_days,
            bodies=kept.bodies if body_days is None else body_days,
        )
        if wanted != kept:
            keep_for(session, found, wanted, actor=actor())
    show_one({"key": key, "mail_days": wanted.mail, "body_days": wanted.bodies}, as_json=as_json)


@reseller.command()
@click.argument("key")
@yes_option("The reseller goes for good, with its customers, mail and credits. Go on?")
@json_option
def delete(key: str, as_json: bool) -> None:
    """Remove a reseller with everything it has, for good."""
    with owner_scope() as session:
        found = reseller_by_key(session, ResellerKey(key))
        delete_reseller(session, found, actor=actor())
    say(f"The reseller {key} is gone.", {"key": key, "deleted": True}, as_json=as_json)


def _row(found: Reseller) -> Row:
    return {
        "key": found.key,
        "id": found.id,
        "name": found.name,
        "state": found.state,
        "created_at": found.created_at,
    }
