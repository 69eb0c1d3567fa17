"""Partitions are made one by one, each in a transaction of its own."""

from platform_core.migrations import run_sql_beside

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    run_sql_beside(__file__)
