"""A price for dedicated IPs that a reseller hands on."""

from platform_core.migrations import run_sql_beside

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    run_sql_beside(__file__)
