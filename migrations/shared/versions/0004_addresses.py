"""Our IP addresses: pools, who sends from them, warm-up and reputation."""

from platform_core.migrations import run_sql_beside

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_sql_beside(__file__)
