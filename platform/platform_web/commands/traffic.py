"""`frankpost traffic`: what providers are sent, and the lanes that are held back."""

from dataclasses import replace

import click

from platform_core.clock import SystemClock
from platform_core.errors import AlreadyExists
from platform_web.commands.output import Command, Row, json_option, say, show_many, show_one, yes_option
from platform_web.commands.scope import actor, platform_scope
from relay_worker.queue.traffic_desk import LaneState
from relay_worker.traffic.queries import lanes_held_back, traffic_rule, traffic_rules
from relay_worker.traffic.rules import Reaction, TrafficRule
from relay_worker.traffic.services import react as add_reaction
from relay_worker.traffic.services import react_no_more, release_lane, remove_rule, save_rule

_NONE = "none"


class Limit(click.ParamType[int | str]):
    """A number, or `none` for no such limit."""

    name = "number"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        if isinstance(value, int) or value == _NONE:
            return value
        try:
            return int(value)
        except ValueError:
            self.fail(f"{value!r} is neither a number nor `{_NONE}`.", param, ctx)


@click.group()
def traffic() -> None:
    """What providers' mail servers are sent: rules, and lanes that give way."""


def _values(command: Command) -> Command:
    """Options for the values of a rule; what is not given stays as it is."""
    for option in (
        click.option(
            "--mx", "mx_suffixes", multiple=True, metavar="SUFFIX", help="End of its mail servers' names."
        ),
        click.option(
            "--one-lane/--lane-each", default=None, help="Limits for all its servers, or for each site."
        ),
        click.option("--connections", type=int, help="At once."),
        click.option("--connections-per-minute", type=Limit(), help="New ones, or `none`."),
        click.option("--messages-per-connection", type=int),
        click.option("--messages-per-hour", type=Limit(), help="Or `none`."),
        click.option("--requires-tls/--opportunistic-tls", default=None),
        click.option("--source", help="Where the values come from."),
    ):
        command = option(command)
    return command


@traffic.command("list")
@json_option
def list_rules(as_json: bool) -> None:
    """All rules, the default first."""
    with platform_scope() as session:
        show_many([_row(rule) for rule in traffic_rules(session)], as_json=as_json)


@traffic.command()
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """One rule with its reactions."""
    with platform_scope() as session:
        rule = traffic_rule(session, name)
    reactions: list[Row] = [_reaction_row(reaction) for reaction in rule.reactions]
    show_one(_row(rule) | {"reactions": reactions}, as_json=as_json)
    if reactions and not as_json:
        click.echo()
        show_many(reactions, as_json=False)


@traffic.command()
@click.argument("name")
@_values
@json_option
def create(name: str, as_json: bool, **values: object) -> None:
    """Make a rule NAME; what is not given is as in the default."""
    with platform_scope() as session:
        rules = traffic_rules(session)
        if any(rule.name == name for rule in rules):
            raise AlreadyExists(f"There is a traffic rule called {name} already.")
        blank = replace(rules[0], name=name, one_lane=True, source="", reactions=())
        rule = save_rule(session, _with(blank, values), actor=actor())
    show_one(_row(rule), as_json=as_json)


@traffic.command("set")
@click.argument("name")
@_values
@json_option
def set_values(name: str, as_json: bool, **values: object) -> None:
    """Change values of the rule NAME; --mx replaces all its suffixes."""
    with platform_scope() as session:
        rule = save_rule(session, _with(traffic_rule(session, name), values), actor=actor())
    show_one(_row(rule), as_json=as_json)


@traffic.command()
@click.argument("name")
@yes_option("The default holds for its mail servers from then on. Go on?")
@json_option
def remove(name: str, as_json: bool) -> None:
    """Remove the rule NAME."""
    with platform_scope() as session:
        remove_rule(session, name, actor=actor())
    say(f"The rule {name} is gone.", {"name": name, "removed": True}, as_json=as_json)


@traffic.command()
@click.argument("name")
@click.argument("says")
@click.option(
    "--pause", "pause_seconds", type=int, default=0, metavar="SECONDS", help="Send nothing for so long."
)
@click.option(
    "--per-minute", "messages_per_minute", type=int, metavar="MESSAGES", help="Then at most so many."
)
@click.option("--hold", "hold_seconds", type=int, default=0, metavar="SECONDS", help="For so long.")
@json_option
def react(
    name: str,
    says: str,
    pause_seconds: int,
    messages_per_minute: int | None,
    hold_seconds: int,
    as_json: bool,
) -> None:
    """What lanes under NAME do when a reply holds the words SAYS."""
    with platform_scope() as session:
        reaction = Reaction(says, pause_seconds, messages_per_minute, hold_seconds)
        rule = add_reaction(session, name, reaction, actor=actor())
    show_many([_reaction_row(one) for one in rule.reactions], as_json=as_json)


@traffic.command()
@click.argument("name")
@click.argument("says")
@json_option
def ignore(name: str, says: str, as_json: bool) -> None:
    """Lanes under NAME no longer react to the words SAYS."""
    with platform_scope() as session:
        rule = react_no_more(session, name, says, actor=actor())
    show_many([_reaction_row(one) for one in rule.reactions], as_json=as_json)


@traffic.command()
@json_option
def lanes(as_json: bool) -> None:
    """The lanes that get less than their rule allows, and why."""
    with platform_scope() as session:
        found = lanes_held_back(session, SystemClock().now())
    show_many([_lane_row(lane) for lane in found], as_json=as_json)


@traffic.command()
@click.argument("site")
@click.option("--source", metavar="ADDRESS", help="Only the lane from this address of ours.")
@json_option
def release(site: str, source: str | None, as_json: bool) -> None:
    """Hold the lane to SITE back no longer."""
    with platform_scope() as session:
        release_lane(session, site, source=source, actor=actor(), clock=SystemClock())
    say(f"The lane to {site} is open again.", {"site": site, "released": True}, as_json=as_json)


def _with(rule: TrafficRule, values: dict[str, object]) -> TrafficRule:
    """The rule with the values that were given; their date is today's."""
    given = {
        name: None if value == _NONE else value for name, value in values.items() if value not in (None, ())
    }
    if not given:
        raise click.UsageError("Give at least one value.")
    return replace(rule, sourced_on=SystemClock().now().date(), **given)  # type: ignore[arg-type]


def _row(rule: TrafficRule) -> Row:
    return {
        "name": rule.name,
        "mx_suffixes": ", ".join(rule.mx_suffixes),
        "one_lane": rule.one_lane,
        "connections": rule.connections,
        "connections_per_minute": rule.connections_per_minute,
        "messages_per_connection": rule.messages_per_connection,
        "messages_per_hour": rule.messages_per_hour,
        "requires_tls": rule.requires_tls,
        "source": rule.source,
        "sourced_on": rule.sourced_on,
    }


def _reaction_row(reaction: Reaction) -> Row:
    return {
        "says": reaction.says,
        "pause_seconds": reaction.pause_seconds,
        "messages_per_minute": reaction.messages_per_minute,
        "hold_seconds": reaction.hold_seconds,
    }


def _lane_row(lane: LaneState) -> Row:
    return {
        "site": lane.site,
        "source": lane.source,
        "rule": lane.rule,
        "connections": lane.connections,
        "per_minute": lane.per_minute,
        "closed_until": lane.closed_until,
        "changed_at": lane.changed_at,
        "reason": lane.reason,
    }
