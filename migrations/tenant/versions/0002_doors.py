"""What the doors hand over has changed; and what senders ask, and why attempts came out so, is kept."""

from platform_core.migrations import run_sql_beside

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_sql_beside(__file__)
