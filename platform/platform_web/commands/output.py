"""How commands show what they did: for people as text, with --json for programs, with keys that stay."""

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import TypeVar

import click

Value = str | int | bool | date | datetime | None | list["Row"]
Row = dict[str, Value]

Command = TypeVar("Command", bound=Callable[..., None])


def json_option(command: Command) -> Command:
    """Adds --json, which arrives as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON; its keys stay the same.")(
        command
    )


def yes_option(question: str) -> Callable[[Command], Command]:
    """Asks `question` before the command runs, unless --yes is given."""
    return click.confirmation_option(prompt=question, help="Don't ask.")


def show_one(row: Row, *, as_json: bool) -> None:
    """One thing, a line for each of its values."""
    if as_json:
        _print_json(row)
        return
    width = max(map(len, row))
    for name, value in row.items():
        click.echo(f"{name.replace('_', ' '):{width}}  {_text(value)}".rstrip())


def show_many(rows: Sequence[Row], *, as_json: bool) -> None:
    """A table with a heading; nothing but "none" when there is nothing."""
    if as_json:
        _print_json(rows)
        return
    if not rows:
        click.echo("none")
        return
    heading = [name.replace("_", " ") for name in rows[0]]
    lines = [heading, *([_text(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        click.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def say(sentence: str, row: Row, *, as_json: bool) -> None:
    """What was done: `sentence` for people, `row` for programs."""
    if as_json:
        _print_json(row)
    else:
        click.echo(sentence)


def _text(value: Value) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M:%S %Z")
        case list():
            return f"{len(value)}"
    return str(value)


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2, default=_json_value, ensure_ascii=False))


def _json_value(value: object) -> str:
    """Moments as ISO 8601."""
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not for JSON")
