"""Running commands as the shell would, within this process."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from platform_core.settings import Settings
from platform_web.cli import frankpost

Run = Callable[..., Result]
RunJson = Callable[..., Any]


@pytest.fixture
def run(database: Settings) -> Run:
    """Runs a command line, `input` on its standard input."""

    def run_command(line: str, *words: str, input: str | None = None) -> Result:
        result = CliRunner().invoke(frankpost, [*line.split(), *words], input=input)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run_command


@pytest.fixture
def run_json(run: Run) -> RunJson:
    """Runs a command line with --json, which must succeed; hands back what it printed."""

    def run_command(line: str, *words: str, input: str | None = None) -> Any:
        result = run(line, *words, "--json", input=input)
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    return run_command
