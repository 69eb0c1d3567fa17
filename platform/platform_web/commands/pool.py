"""`frankpost pool`: pools of our IP addresses, and who sends from them."""

import click
from sqlalchemy.orm import Session

from platform_core.ids import AccountId, ResellerKey
from platform_web.commands.output import Command, Row, json_option, say, show_many, show_one, yes_option
from platform_web.commands.scope import actor, platform_scope, reseller_option, reseller_scope
from relay_worker.addresses.models import IpPool
from relay_worker.addresses.pools.services import (
    assign_pool,
    create_pool,
    delete_pool,
    set_fallback,
    unassign_pool,
)
from relay_worker.addresses.queries import all_addresses, all_pools, assignments_of, pool_by_name
from tenants.resellers.queries import reseller_by_id, reseller_by_key


@click.group()
def pool() -> None:
    """Pools of IP addresses: shared, or dedicated to one reseller."""


def _account_option(command: Command) -> Command:
    return click.option(
        "--account",
        "account_name",
        metavar="ID",
        help="Only this account (`main` or an id); otherwise all of the reseller without a pool of their own.",
    )(command)


@pool.command()
@click.argument("name")
@click.option("--dedicated-to", "owner_key", metavar="KEY", help="The one reseller that may use it.")
@click.option("--fallback", metavar="POOL", help="Takes what no address of this pool may send now.")
@click.option("--default", "is_default", is_flag=True, help="For everybody who is assigned to none.")
@json_option
def create(name: str, owner_key: str | None, fallback: str | None, is_default: bool, as_json: bool) -> None:
    """Make a pool."""
    with platform_scope() as session:
        made = create_pool(
            session,
            name,
            actor=actor(),
            reseller=reseller_by_key(session, ResellerKey(owner_key)).ref if owner_key else None,
            fallback=pool_by_name(session, fallback) if fallback else None,
            is_default=is_default,
        )
        row = _row(session, made)
    show_one(row, as_json=as_json)


@pool.command("list")
@json_option
def list_pools(as_json: bool) -> None:
    """All pools, the default first."""
    with platform_scope() as session:
        show_many([_row(session, one) for one in all_pools(session)], as_json=as_json)


@pool.command()
@click.argument("name")
@click.argument("fallback", required=False)
@json_option
def fallback(name: str, fallback: str | None, as_json: bool) -> None:
    """Let the pool FALLBACK take what NAME can't send now; without one, mail waits."""
    with platform_scope() as session:
        found = pool_by_name(session, name)
        set_fallback(session, found, pool_by_name(session, fallback) if fallback else None)
        session.flush()
        row = _row(session, found)
    show_one(row, as_json=as_json)


@pool.command()
@click.argument("name")
@reseller_option
@_account_option
@json_option
def assign(name: str, reseller_key: str, account_name: str | None, as_json: bool) -> None:
    """Let a reseller, or one account of it, send from the pool."""
    with reseller_scope(reseller_key) as scope:
        account_id: AccountId | None = scope.account(account_name).id if account_name else None
        found = pool_by_name(scope.platform, name)
        assign_pool(scope.platform, found, scope.reseller, account_id, actor=actor())
    row: Row = {"pool": name, "reseller": reseller_key, "account": account_id}
    say(f"{name} is assigned.", row, as_json=as_json)


@pool.command()
@reseller_option
@_account_option
@json_option
def unassign(reseller_key: str, account_name: str | None, as_json: bool) -> None:
    """Back to the reseller's pool, or to the default."""
    with reseller_scope(reseller_key) as scope:
        account_id: AccountId | None = scope.account(account_name).id if account_name else None
        unassign_pool(scope.platform, scope.reseller, account_id, actor=actor())
    row: Row = {"reseller": reseller_key, "account": account_id, "unassigned": True}
    say("No pool is assigned there any more.", row, as_json=as_json)


@pool.command()
@click.argument("name")
@yes_option("The pool goes for good. Go on?")
@json_option
def delete(name: str, as_json: bool) -> None:
    """Remove a pool that has no addresses and that nobody is assigned to."""
    with platform_scope() as session:
        delete_pool(session, pool_by_name(session, name), actor=actor())
    say(f"The pool {name} is gone.", {"name": name, "deleted": True}, as_json=as_json)


def _row(session: Session, found: IpPool) -> Row:
    owner = reseller_by_id(session, found.reseller_id).key if found.reseller_id else None
    into = session.get(IpPool, found.fallback_id) if found.fallback_id else None
    return {
        "name": found.name,
        "kind": found.kind,
        "reseller": owner,
        "default": found.is_default,
        "fallback": into.name if into else None,
        "addresses": sum(one.pool_id == found.id for one in all_addresses(session)),
        "assignments": len(assignments_of(session, found.id)),
    }
