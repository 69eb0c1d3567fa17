"""The processes that make up the running product, as development starts them."""

import sys
from collections.abc import Mapping
from pathlib import Path

from platform_dev.manager import Command

FRANKPOST = Path(sys.executable).with_name("frankpost")


def product_commands(environment: Mapping[str, str], *, workers: int = 2) -> tuple[Command, ...]:
    """In the order of their start; they end in reverse: what lets work in first, what works it off last.

    Workers, jobs and cron are started again when they end: nothing of theirs is lost by it. The end of `relay` or
    `web` is told instead, for nobody else would notice.
    """

    def command(name: str, process: str, *, restarts: bool) -> Command:
        return Command(name, (FRANKPOST, process), environment, restarts)

    return (
        *(command(f"worker-{number}", "worker", restarts=True) for number in range(1, workers + 1)),
        command("jobs", "jobs", restarts=True),
        command("cron", "cron", restarts=True),
        command("relay", "relay", restarts=False),
        command("web", "web", restarts=False),
    )
