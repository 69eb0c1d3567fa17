"""What is taken out of lots and plans in advance for busy accounts and not used yet, as reads of the books add it: it is left.

What an allotment is: relay_worker/queue/functions/tenant/allotments.sql. Whoever reads the books asks for it in the same
statement: between two of them it may go back, and be counted twice or not at all.
"""

from sqlalchemy import BigInteger, Integer, column, func

from billing.ledger.models import CreditLot

# Inside a reseller: at most one for each account, and so for each lot. `lot_id` is NULL where the plan has paid.
ALLOTTED = (
    func.open_allotments()
    .table_valued(
        column("account_id", BigInteger),
        column("lot_id", BigInteger),
        column("size", Integer),
        column("remaining", Integer),
    )
    .alias("allotted")
)
# For statements that join lots and what is allotted of them: `.outerjoin(ALLOTTED, OF_LOT)`.
OF_LOT = ALLOTTED.c.lot_id == CreditLot.id
LEFT_IN_LOT = CreditLot.remaining + func.coalesce(ALLOTTED.c.remaining, 0)
