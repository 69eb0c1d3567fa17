"""What has vouched for the mail server of an attempt, and a bound on the bytes of held mail."""

from platform_core.migrations import run_sql_beside

revision = "0012"
down_revision = "0010"


def upgrade() -> None:
    run_sql_beside(__file__)
