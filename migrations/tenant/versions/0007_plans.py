"""Plans, periods and caps of accounts."""

from platform_core.migrations import run_sql_beside

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_sql_beside(__file__)
