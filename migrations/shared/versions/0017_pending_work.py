"""Which resellers have something to do for the jobs that run often."""

from platform_core.migrations import run_sql_beside

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    run_sql_beside(__file__)
