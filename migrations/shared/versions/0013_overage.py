"""Overage in the platform's plans, and in what acceptance is told."""

from platform_core.migrations import run_sql_beside

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run_sql_beside(__file__)
