"""`frankpost ip`: our addresses, their warm-up and their checks."""

import click
from sqlalchemy.orm import Session

from platform_core.clock import SystemClock
from platform_core.settings import settings
from platform_web.commands.output import Row, json_option, say, show_many, show_one, yes_option
from platform_web.commands.scope import actor, platform_scope
from relay_worker.addresses.checks.look import look_at_addresses
from relay_worker.addresses.checks.names import Names
from relay_worker.addresses.models import IpAddress
from relay_worker.addresses.overview import AddressOverview, every_address
from relay_worker.addresses.providers import Provider
from relay_worker.addresses.queries import address_named, pool_by_name
from relay_worker.addresses.services import (
    NewAddress,
    add_address,
    change_helo,
    move_address,
    parse_ip,
    pause_address,
    resume_address,
    retire_address,
    start_warmup,
    stop_warmup,
)
from relay_worker.addresses.warmup.ladder import FIRST, LAST
from relay_worker.addresses.warmup.queries import WarmupProgress, warmups_of


@click.group()
def ip() -> None:
    """IP addresses that mail leaves from."""


@ip.command()
@click.argument("address")
@click.option("--pool", "pool_name", required=True, metavar="POOL", help="The pool it belongs to.")
@click.option(
    "--helo", required=True, metavar="HOST", help="What it calls itself in EHLO; its PTR should say the same."
)
@click.option(
    "--warm-up/--no-warm-up", default=True, show_default=True, help="Whether it starts on the ladder."
)
@click.option(
    "--peak",
    "peak_per_day",
    type=int,
    metavar="N",
    help="Recipients a day and provider that warm-up has to reach.",
)
@json_option
def add(
    address: str, pool_name: str, helo: str, warm_up: bool, peak_per_day: int | None, as_json: bool
) -> None:
    """Put an address of this machine into a pool. Every worker uses it within half a minute."""
    with platform_scope() as session:
        pool = pool_by_name(session, pool_name)
        new = NewAddress(address, helo, warm_up, peak_per_day)
        added = add_address(session, pool, new, clock=SystemClock(), actor=actor())
        row = _short(added)
    show_one(row, as_json=as_json)


@ip.command("list")
@click.option("--pool", "pool_name", metavar="POOL", help="Only those of one pool.")
@json_option
def list_addresses(pool_name: str | None, as_json: bool) -> None:
    """All addresses with their standing and reputation."""
    with platform_scope() as session:
        found = every_address(session, SystemClock().now())
        if pool_name is not None:
            pool_id = pool_by_name(session, pool_name).id
            found = [one for one in found if one.pool_id == pool_id]
        show_many([_row(one) for one in found], as_json=as_json)


@ip.command()
@click.argument("address")
@json_option
def pause(address: str, as_json: bool) -> None:
    """Send nothing more from ADDRESS until it is resumed."""
    with platform_scope() as session:
        found = _found(session, address)
        pause_address(session, found, actor=actor())
        row = _short(found)
    say(f"{row['address']} is paused.", row, as_json=as_json)


@ip.command()
@click.argument("address")
@json_option
def resume(address: str, as_json: bool) -> None:
    """Send from ADDRESS again."""
    with platform_scope() as session:
        found = _found(session, address)
        resume_address(session, found, actor=actor())
        row = _short(found)
    say(f"{row['address']} sends again.", row, as_json=as_json)


@ip.command()
@click.argument("address")
@yes_option("The address is ours no longer, and nothing is sent from it. Go on?")
@json_option
def retire(address: str, as_json: bool) -> None:
    """Give ADDRESS up; what it did stays known."""
    with platform_scope() as session:
        found = _found(session, address)
        retire_address(session, found, actor=actor())
        row = _short(found)
    say(f"{row['address']} is retired.", row, as_json=as_json)


@ip.command()
@click.argument("address")
@click.argument("pool_name", metavar="POOL")
@json_option
def move(address: str, pool_name: str, as_json: bool) -> None:
    """Put ADDRESS into another pool."""
    with platform_scope() as session:
        found = _found(session, address)
        move_address(session, found, pool_by_name(session, pool_name), actor=actor())
        row = _short(found)
    say(f"{row['address']} is in {pool_name}.", row, as_json=as_json)


@ip.command()
@click.argument("address")
@click.argument("name", metavar="HOST")
@json_option
def helo(address: str, name: str, as_json: bool) -> None:
    """Let ADDRESS call itself HOST."""
    with platform_scope() as session:
        found = _found(session, address)
        change_helo(session, found, name, actor=actor())
        row = _short(found)
    say(f"{row['address']} is {row['helo']}.", row, as_json=as_json)


@ip.command()
@click.argument("address", required=False)
@json_option
def check(address: str | None, as_json: bool) -> None:
    """Look into DNS now, at ADDRESS or at all: reverse names and block lists."""
    with platform_scope() as session:
        only = _found(session, address).address if address else None
        session.commit()  # so that a slow nameserver holds no transaction open
        look_at_addresses(Names.from_settings(settings()), SystemClock(), only)
        found = every_address(session, SystemClock().now())
        rows = [_checked(one) for one in found if only in (None, one.address)]
    show_many(rows, as_json=as_json)


@ip.group()
def warmup() -> None:
    """The ladder that new addresses climb, for each mailbox provider."""


@warmup.command("show")
@click.argument("address")
@json_option
def show_warmup(address: str, as_json: bool) -> None:
    """Where ADDRESS stands, and how its last days were judged."""
    with platform_scope() as session:
        found = _found(session, address)
        progress = warmups_of(session, [found.id], SystemClock().now()).get(found.id, ())
    show_many([_progress(one) for one in progress], as_json=as_json)


@warmup.command("start")
@click.argument("address")
@click.option("--stage", type=click.IntRange(FIRST, LAST), default=FIRST, show_default=True)
@click.option(
    "--provider",
    "names",
    multiple=True,
    type=click.Choice(list(Provider), case_sensitive=False),
    help="Only for this one; may be repeated.",
)
@json_option
def start_warmup_command(address: str, stage: int, names: tuple[Provider, ...], as_json: bool) -> None:
    """Put ADDRESS on the ladder, anew if it stands there already."""
    with platform_scope() as session:
        found = _found(session, address)
        start_warmup(
            session,
            found,
            providers=names or tuple(Provider),
            stage=stage,
            clock=SystemClock(),
            actor=actor(),
        )
        progress = warmups_of(session, [found.id], SystemClock().now()).get(found.id, ())
    show_many([_progress(one) for one in progress], as_json=as_json)


@warmup.command("stop")
@click.argument("address")
@json_option
def stop_warmup_command(address: str, as_json: bool) -> None:
    """Take ADDRESS for warm: it may send without a daily limit from now on."""
    with platform_scope() as session:
        found = _found(session, address)
        stop_warmup(session, found, actor=actor())
        row = _short(found)
    say(f"{row['address']} is taken for warm.", row, as_json=as_json)


def _found(session: Session, address: str) -> IpAddress:
    """Raises NotFound or InvalidInput."""
    return address_named(session, parse_ip(address))


def _short(found: IpAddress) -> Row:
    return {
        "address": found.address,
        "pool": found.pool.name,
        "helo": found.helo,
        "state": found.state,
    }


def _row(found: AddressOverview) -> Row:
    return {
        "address": found.address,
        "pool": found.pool,
        "helo": found.helo,
        "state": found.state,
        "standing": found.standing,
        "reputation": found.reputation.score,
        "measured": found.reputation.measured,
        "lowered_by": ", ".join(f"{one.flaw} {one.points}" for one in found.reputation.reasons) or None,
        "warming": ", ".join(one.provider for one in found.warmups if not one.finished) or None,
    }


def _checked(found: AddressOverview) -> Row:
    return {
        "address": found.address,
        "standing": found.standing,
        "ptr": found.ptr,
        "ptr_name": found.ptr_name or None,
        "helo": found.helo,
        "helo_confirmed": found.helo_confirmed,
        "listed_in": ", ".join(found.listings) or None,
        "checked_at": found.checked_at,
    }


def _progress(found: WarmupProgress) -> Row:
    last = next((day for day in reversed(found.days) if day.verdict), None)
    return {
        "provider": found.provider,
        "stage": found.stage,
        "per_day": found.per_day,
        "taken_today": found.taken_today,
        "started_on": found.started_on,
        "finished_on": found.finished_on,
        "stalled": found.stalled,
        "last_verdict": last.verdict if last else None,
        "last_judged_day": last.day if last else None,
    }
