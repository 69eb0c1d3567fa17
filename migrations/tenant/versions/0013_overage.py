"""E-mails beyond what a plan includes, at a price that was agreed."""

from platform_core.migrations import run_sql_beside

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run_sql_beside(__file__)
