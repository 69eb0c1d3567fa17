"""The edge of the command line: help, exit codes, the table of refusals."""

import inspect
import json
from collections.abc import Callable, Iterator

import click
import pytest
from click.testing import CliRunner, Result

from platform_core import errors
from platform_core.settings import settings
from platform_web.cli import COMMANDS, frankpost
from platform_web.refusals import REFUSALS, refusal_of

Run = Callable[..., Result]

PROCESSES = {"web", "relay", "worker", "jobs", "cron"}


def every_error() -> list[type[errors.FrankpostError]]:
    classes = (member for _, member in inspect.getmembers(errors, inspect.isclass))
    return [found for found in classes if issubclass(found, errors.FrankpostError)]


def every_verb() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(frankpost)
    for noun in COMMANDS:
        command = frankpost.get_command(context, noun)
        if isinstance(command, click.Group):
            yield from verbs_of(noun, command)


def verbs_of(name: str, group: click.Group) -> Iterator[tuple[str, click.Command]]:
    """Those of the groups within it too."""
    for verb, found in group.commands.items():
        if isinstance(found, click.Group):
            yield from verbs_of(f"{name} {verb}", found)
        else:
            yield f"{name} {verb}", found


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_every_error_has_its_place_in_the_table(kind: type[errors.FrankpostError]) -> None:
    assert kind in [refused for refused, _, _ in REFUSALS]


def test_an_error_without_words_gets_some() -> None:
    assert refusal_of(errors.CapReached()).sentence == "The account's monthly cap is reached."


def test_the_particular_comes_before_the_general_in_the_table() -> None:
    kinds = [kind for kind, _, _ in REFUSALS]
    for position, kind in enumerate(kinds):
        assert not any(issubclass(later, kind) for later in kinds[position + 1 :])


def test_every_noun_is_there_with_its_help() -> None:
    result = CliRunner().invoke(frankpost, ["--help"])
    assert result.exit_code == 0
    assert all(f"  {noun} " in result.stdout for noun in COMMANDS)


@pytest.mark.parametrize(
    ("name", "command"), list(every_verb()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_verb_speaks_json_and_says_what_it_does(name: str, command: click.Command) -> None:
    assert command.help
    assert any("--json" in parameter.opts for parameter in command.params)


def test_every_verb_that_destroys_asks() -> None:
    asking = {name for name, command in every_verb() if any("--yes" in one.opts for one in command.params)}
    assert asking == {
        name
        for name, _ in every_verb()
        if name.split()[-1]
        in ("credit", "delete", "discard", "drop", "remove", "retire", "rotate", "refund", "disconnect")
    }


@pytest.mark.parametrize(
    "line", ["nothing", "reseller nothing", "reseller create", "account list", "--nothing"]
)
def test_wrong_usage_is_2(line: str) -> None:
    assert CliRunner().invoke(frankpost, line.split()).exit_code == 2


def test_a_refusal_is_1_with_its_sentence_on_standard_error(run: Run) -> None:
    refused = run("account list --reseller nobody_here")
    assert refused.exit_code == 1
    assert refused.stdout == ""
    assert refused.stderr == "Error: There is no reseller with the key nobody_here.\n"


def test_a_database_that_does_not_answer_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://frankpost@127.0.0.1:1/frankpost")
    settings.cache_clear()
    refused = CliRunner().invoke(frankpost, ["reseller", "list"])
    monkeypatch.undo()
    settings.cache_clear()
    assert refused.exit_code == 1
    assert refused.stderr.startswith("Error: The database does not answer")


def test_missing_settings_are_a_refusal_that_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FRANKPOST_SECRET_KEY")
    settings.cache_clear()
    refused = CliRunner().invoke(frankpost, ["settings", "show"])
    monkeypatch.undo()
    settings.cache_clear()
    assert refused.exit_code == 1
    assert "FRANKPOST_SECRET_KEY: is not set" in refused.stderr


def test_settings_are_shown_without_their_secrets() -> None:
    shown = CliRunner().invoke(frankpost, ["settings", "show", "--json"])
    values = {one["variable"]: one["value"] for one in json.loads(shown.stdout)}
    assert values["FRANKPOST_SECRET_KEY"] == values["DATABASE_URL"] == "set"
    assert settings().secret_key.get_secret_value() not in shown.stdout
    assert values["FRANKPOST_RELAY_STARTTLS_PORTS"] == "587,2525,25"
