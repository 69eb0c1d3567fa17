"""Reminders of what is unpaid, and of credits about to lapse."""

from platform_core.migrations import run_sql_beside

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_sql_beside(__file__)
