"""Payments of resellers to the platform, and the payment service's events."""

from platform_core.migrations import run_sql_beside

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run_sql_beside(__file__)
