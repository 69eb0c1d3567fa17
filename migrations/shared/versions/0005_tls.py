"""Transport security: policies of domains, and how connections came out."""

from platform_core.migrations import run_sql_beside

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_sql_beside(__file__)
