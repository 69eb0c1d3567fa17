"""`frankpost blocklist`: the DNS block lists that our addresses are looked for in."""

import click

from platform_web.commands.output import Row, json_option, say, show_many, show_one, yes_option
from platform_web.commands.scope import actor, platform_scope
from relay_worker.addresses.models import DnsblZone
from relay_worker.addresses.queries import all_zones
from relay_worker.addresses.services import remove_zone, set_zone
from relay_worker.addresses.states import ListingEffect


@click.group()
def blocklist() -> None:
    """DNS block lists that are asked about our addresses every hour."""


@blocklist.command("list")
@json_option
def list_zones(as_json: bool) -> None:
    """All lists, and what being on them does to an address."""
    with platform_scope() as session:
        show_many([_row(one) for one in all_zones(session)], as_json=as_json)


@blocklist.command("set")
@click.argument("zone")
@click.option("--name", default="", help="What people call it.")
@click.option(
    "--effect",
    type=click.Choice(list(ListingEffect), case_sensitive=False),
    default=ListingEffect.LAST,
    show_default=True,
    help="`stop`: nothing is sent from a listed address; `last`: only what no other can send; `show`: nothing.",
)
@click.option("--ipv6", is_flag=True, help="It lists IPv6 addresses too.")
@json_option
def set_one(zone: str, name: str, effect: ListingEffect, ipv6: bool, as_json: bool) -> None:
    """Look into ZONE from now on, or change what it does."""
    with platform_scope() as session:
        row = _row(set_zone(session, zone, name, ListingEffect(effect), ipv6=ipv6, actor=actor()))
    show_one(row, as_json=as_json)


@blocklist.command()
@click.argument("zone")
@yes_option("Its listings are forgotten. Go on?")
@json_option
def remove(zone: str, as_json: bool) -> None:
    """Look into ZONE no more."""
    with platform_scope() as session:
        remove_zone(session, zone, actor=actor())
    say(f"{zone} is no longer looked into.", {"zone": zone, "removed": True}, as_json=as_json)


def _row(found: DnsblZone) -> Row:
    return {
        "zone": found.zone,
        "name": found.name,
        "effect": found.effect,
        "ipv6": found.ipv6,
        "source": found.source,
    }
