"""What accounts that send much may have accepted without a look into their books."""

from platform_core.migrations import run_sql_beside

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    run_sql_beside(__file__)
