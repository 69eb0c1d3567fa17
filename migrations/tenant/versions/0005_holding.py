"""Mail held at the end of quota, and bodies that are not kept."""

from platform_core.migrations import run_sql_beside

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_sql_beside(__file__)
