"""The command line: `frankpost <noun> <verb>`. Finds the commands of a noun, and says every refusal in one sentence."""

from importlib import import_module
from typing import Any

import click
import psycopg
from sqlalchemy.exc import DBAPIError

from platform_core.errors import FrankpostError
from platform_web.refusals import Refused, refusal_of

# Loaded when they are called: a noun's imports must not slow down the others, nor the long-running processes.
COMMANDS: dict[str, str] = {
    "reseller": "platform_web.commands.reseller:reseller",
    "account": "platform_web.commands.account:account",
    "user": "platform_web.commands.user:user",
    "smtp-account": "platform_web.commands.smtp_account:smtp_account",
    "domain": "platform_web.commands.domain:domain",
    "hostname": "platform_web.commands.hostname:hostname",
    "suppression": "platform_web.commands.suppression:suppression",
    "inbound": "platform_web.commands.inbound:inbound",
    "credits": "platform_web.commands.credits:credits",
    "plan": "platform_web.commands.plan:plan",
    "price": "platform_web.commands.price:price",
    "ledger": "platform_web.commands.ledger:ledger",
    "queue": "platform_web.commands.queue:queue",
    "held": "platform_web.commands.held:held",
    "payment": "platform_web.commands.payment:payment",
    "price-list": "platform_web.commands.price_list:price_list",
    "invoice": "platform_web.commands.invoice:invoice",
    "tax-profile": "platform_web.commands.tax_profile:tax_profile",
    "ip": "platform_web.commands.ip:ip",
    "pool": "platform_web.commands.pool:pool",
    "blocklist": "platform_web.commands.blocklist:blocklist",
    "traffic": "platform_web.commands.traffic:traffic",
    "staff": "platform_web.commands.staff:staff",
    "db": "platform_web.commands.db:db",
    "settings": "platform_web.commands.settings:settings_group",
    "web": "platform_web.commands.processes:web",
    "relay": "platform_web.commands.relay:relay",
    "worker": "platform_web.commands.worker:worker",
    "jobs": "platform_web.commands.processes:jobs",
    "cron": "platform_web.commands.processes:cron",
}


class Frankpost(click.Group):
    """The edge: the one place that turns our errors into an exit code and words."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (FrankpostError, DBAPIError, psycopg.Error) as error:
            raise Refused(refusal_of(error)) from error


@click.group(
    cls=Frankpost, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
def frankpost() -> None:
    """Frankpost: a white-label SMTP relay that agencies resell.

    Exit codes: 0 done, 1 refused (the reason is on standard error), 2 wrong usage.
    """


def main() -> None:
    """Entry point of the installed command."""
    frankpost(prog_name="frankpost")
