"""`frankpost db`: bringing the database up to date, and looking whether it is."""

import click

from platform_core.inspection import SchemaState, inspect_database
from platform_core.migrations import Outcome, SchemaReport, upgrade_database
from platform_core.settings import settings
from platform_web.commands.output import json_option, show_many
from platform_web.refusals import REFUSED


@click.group()
def db() -> None:
    """The database: one shared schema, and one for each reseller."""


@db.command()
@click.option("--keep-going", is_flag=True, help="Leave a schema that fails behind and go on with the next.")
@json_option
@click.pass_context
def upgrade(ctx: click.Context, keep_going: bool, as_json: bool) -> None:
    """Bring every schema up to date. Stops at the first that fails; calling again resumes there."""
    done: list[SchemaReport] = []

    def report(schema: SchemaReport) -> None:
        done.append(schema)
        click.echo(f"{len(done):5}  {schema.schema:42}  {schema.outcome}", err=as_json)
        if schema.reason:
            click.echo(f"       {schema.reason}", err=True)

    upgrade_database(settings(), keep_going=keep_going, report=report)
    if as_json:
        show_many(
            [{"schema": one.schema, "outcome": one.outcome, "reason": one.reason} for one in done],
            as_json=True,
        )
    if any(one.outcome is Outcome.FAILED for one in done):
        ctx.exit(REFUSED)


@db.command()
@json_option
@click.pass_context
def check(ctx: click.Context, as_json: bool) -> None:
    """Look whether every schema is up to date; changes nothing."""
    found = inspect_database(settings())
    show_many(
        [
            {"schema": one.schema, "state": one.state, "revision": one.revision, "expected": one.expected}
            for one in found
        ],
        as_json=as_json,
    )
    if any(one.state is not SchemaState.CURRENT for one in found):
        click.echo("The database is not up to date; run `frankpost db upgrade`.", err=True)
        ctx.exit(REFUSED)
