"""`frankpost settings`: what is set, and the page about it."""

import click

from platform_core.settings import ROOT, settings
from platform_web.commands.output import json_option, say, show_many
from platform_web.settings_page import PAGE, documented_settings, shown_value, write_page


@click.group("settings")
def settings_group() -> None:
    """Settings of this installation."""


@settings_group.command()
@json_option
def show(as_json: bool) -> None:
    """Every setting with its value; of a secret only whether it is set."""
    here = settings()
    show_many(
        [
            {
                "variable": setting.variable,
                "value": shown_value(setting, here),
                "default": setting.default,
            }
            for setting in documented_settings()
        ],
        as_json=as_json,
    )


@settings_group.command()
@json_option
def document(as_json: bool) -> None:
    """Write docs/settings.md from the fields."""
    changed = write_page()
    path = str(PAGE.relative_to(ROOT))
    say(
        f"{path} is {'written' if changed else 'up to date'}.",
        {"path": path, "changed": changed},
        as_json=as_json,
    )
