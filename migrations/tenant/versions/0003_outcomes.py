"""Why a recipient was refused, and what senders ask about delivery."""

from platform_core.migrations import run_sql_beside

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_sql_beside(__file__)
