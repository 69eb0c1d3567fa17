"""What destinations bear: limits by provider, and lanes that back off."""

from platform_core.migrations import run_sql_beside

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_sql_beside(__file__)
