"""The VAT that was agreed at a payment stays with it; and what dedicated IPs of customers cost their reseller."""

from platform_core.migrations import run_sql_beside

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    run_sql_beside(__file__)
