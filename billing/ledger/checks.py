"""The proof that no credit is lost and none comes from nowhere: what must hold between lots, entries and transfers.

Each check is a query for what does not hold; nothing found is the proof. All of them see the same snapshot, and lock
nothing: mail goes on being accepted meanwhile.
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import text
from sqlalchemy.orm import Session

from platform_core.ids import AccountId


class Check(StrEnum):
    """What must hold, in a few words."""

    LOT_ADDS_UP = "what is left in a lot, and is allotted out of it, is the sum of its entries"
    LOT_IN_BOUNDS = "what is left in a lot is between nothing and all of it"
    OPENED_WHOLE = "the entry that opened a lot is the whole of it"
    OWN_LOT = "an entry stands in the books of the lot's own account"
    SIGN = "credits come or go as their kind has it"
    IN_TIME = "nothing was spent, handed over or taken back after the lot had lapsed"
    LEVELS_AGREE = "what one level gave is what the other has received"
    SAME_EXPIRY = "credits that were handed over lapse with the lot they came from"
    COST_SHARED = "the parts of a lot have cost what was paid for them, and not more than the lot"
    REFUNDED_ONCE = "what was given back is one credit for each recipient that was never tried"
    PAID_BY_ONE = "each recipient was paid by one: the plan, a credit, or as overage"
    OVERAGE_AGREED = "overage stays within what was agreed for its period"
    ENTRIES_STAY = "the database lets nobody change or remove what is written"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that does not hold. Where a sum is wrong, `expected` and `found` say by how much."""

    check: Check
    account_id: AccountId | None
    lot_id: int | None
    expected: int
    found: int


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """What was looked at, and what is wrong. `balance`: credits of all lots; `lapsed` of them can't be spent any more."""

    accounts: int
    lots: int
    entries: int
    balance: int
    lapsed: int
    faults: tuple[Fault, ...]

    @property
    def sound(self) -> bool:
        return not self.faults


# Each finds account_id, lot_id, expected, found.
QUERIES = {
    Check.LOT_ADDS_UP: """
        SELECT coalesce(l.account_id, e.account_id), coalesce(l.id, e.lot_id), coalesce(e.credits, 0),
               coalesce(l.remaining, 0) + coalesce(o.size, 0)
        FROM credit_lot l
        FULL JOIN (SELECT lot_id, min(account_id) AS account_id, sum(credits) AS credits
                   FROM credit_entry GROUP BY lot_id) e ON e.lot_id = l.id
        LEFT JOIN open_allotments() o ON o.lot_id = l.id
        WHERE l.id IS NULL OR l.remaining + coalesce(o.size, 0) <> coalesce(e.credits, 0)""",
    Check.LOT_IN_BOUNDS: """
        SELECT account_id, id, credits, remaining FROM credit_lot WHERE remaining NOT BETWEEN 0 AND credits""",
    Check.OPENED_WHOLE: """
        SELECT l.account_id, l.id, l.credits, coalesce(e.credits, 0)
        FROM credit_lot l
        LEFT JOIN (SELECT lot_id, min(id) AS id FROM credit_entry GROUP BY lot_id) first ON first.lot_id = l.id
        LEFT JOIN credit_entry e ON e.account_id = l.account_id AND e.id = first.id
        WHERE (l.credits, CASE l.origin WHEN 'handed_over' THEN 'received' WHEN 'returned' THEN 'refunded'
                          ELSE l.origin END) IS DISTINCT FROM (e.credits, e.kind)""",
    Check.OWN_LOT: """
        SELECT e.account_id, l.id, l.account_id, e.account_id
        FROM (SELECT DISTINCT account_id, lot_id FROM credit_entry) e JOIN credit_lot l ON l.id = e.lot_id
        WHERE e.account_id <> l.account_id""",
    Check.SIGN: """
        SELECT account_id, lot_id, 0, credits FROM credit_entry
        WHERE (credits > 0) IS DISTINCT FROM CASE
            WHEN kind IN ('bought', 'granted', 'received', 'returned', 'refunded') THEN true
            WHEN kind IN ('handed_over', 'taken_back', 'used', 'revoked', 'expired') THEN false END""",
    Check.IN_TIME: """
        SELECT e.account_id, e.lot_id, 0, e.credits FROM credit_entry e JOIN credit_lot l ON l.id = e.lot_id
        WHERE e.kind <> 'expired' AND e.at >= l.expires_at""",
    Check.LEVELS_AGREE: """
        SELECT l.account_id, l.id, coalesce(t.credits, 0), coalesce(e.credits, 0)
        FROM (SELECT lot_id, kind, sum(credits) AS credits FROM credit_entry
              WHERE kind IN ('handed_over', 'received', 'taken_back', 'returned') GROUP BY lot_id, kind) e
        FULL JOIN (
            SELECT stock_lot AS lot_id, CASE WHEN credits > 0 THEN 'handed_over' ELSE 'returned' END AS kind,
                   -sum(credits) AS credits
            FROM credit_transfer GROUP BY 1, 2
            UNION ALL
            SELECT customer_lot, CASE WHEN credits > 0 THEN 'received' ELSE 'taken_back' END, sum(credits)
            FROM credit_transfer GROUP BY 1, 2
        ) t USING (lot_id, kind)
        JOIN credit_lot l ON l.id = lot_id
        WHERE e.credits IS DISTINCT FROM t.credits""",
    Check.SAME_EXPIRY: """
        SELECT c.account_id, c.id, 0, 0
        FROM credit_transfer t JOIN credit_lot s ON s.id = t.stock_lot JOIN credit_lot c ON c.id = t.customer_lot
        WHERE c.expires_at <> s.expires_at OR c.currency <> s.currency""",
    Check.COST_SHARED: """
        SELECT l.account_id, l.id, l.cost, t.cost
        FROM credit_lot l
        JOIN (SELECT customer_lot AS lot_id, sum(cost) FILTER (WHERE credits > 0) AS cost
              FROM credit_transfer GROUP BY 1) t ON t.lot_id = l.id
        WHERE l.cost <> t.cost
        UNION ALL
        SELECT l.account_id, l.id, l.cost, t.cost
        FROM credit_lot l
        JOIN (SELECT stock_lot AS lot_id, sum(cost) AS cost FROM credit_transfer GROUP BY 1) t ON t.lot_id = l.id
        WHERE t.cost NOT BETWEEN 0 AND l.cost""",
    Check.REFUNDED_ONCE: """
        SELECT account_id, lot_id, coalesce(g.credits, 0), coalesce(e.credits, 0)
        FROM (SELECT account_id, lot_id, sum(credits) AS credits FROM credit_entry
              WHERE kind = 'refunded' GROUP BY 1, 2) e
        FULL JOIN (SELECT account_id, lot_id, count(*) AS credits FROM credit_refund
                   WHERE lot_id > 0 GROUP BY 1, 2) g USING (account_id, lot_id)
        WHERE e.credits IS DISTINCT FROM g.credits""",
    Check.PAID_BY_ONE: """
        SELECT account_id, NULL, coalesce(m.paid, 0) + coalesce(e.credits, 0) + coalesce(o.size, 0), coalesce(m.accepted, 0)
        FROM (SELECT account_id, sum(accepted) AS accepted, sum(from_plan) + sum(overage) AS paid
              FROM account_month GROUP BY 1) m
        FULL JOIN (SELECT account_id, -sum(credits) AS credits FROM credit_entry
                   WHERE kind IN ('used', 'refunded') GROUP BY 1) e USING (account_id)
        LEFT JOIN (SELECT account_id, size FROM open_allotments() WHERE lot_id IS NOT NULL) o USING (account_id)
        WHERE coalesce(m.accepted, 0) <> coalesce(m.paid, 0) + coalesce(e.credits, 0) + coalesce(o.size, 0)""",
    # Between the end of a period and its renewal the next one's terms are not written down yet.
    Check.OVERAGE_AGREED: """
        SELECT m.account_id, NULL, coalesce(t.most, 0), m.overage
        FROM (SELECT account_id, period, sum(overage) AS overage FROM account_month GROUP BY 1, 2) m
        JOIN account a ON a.id = m.account_id
        LEFT JOIN overage_terms t ON t.account_id = m.account_id AND t.period = m.period
        WHERE m.overage > 0
          AND (m.overage > t.most OR (t.period IS NULL AND m.period IS DISTINCT FROM a.period_end))""",
    Check.ENTRIES_STAY: """
        SELECT NULL, NULL, 4, count(t.oid) FROM pg_trigger t
        WHERE t.tgname IN ('credit_entry_stays', 'credit_transfer_stays', 'credit_refund_stays', 'credit_lot_stays')
          AND t.tgenabled IN ('O', 'A')
          AND t.tgrelid IN ('credit_entry'::regclass, 'credit_transfer'::regclass, 'credit_refund'::regclass,
                            'credit_lot'::regclass)
        HAVING count(t.oid) <> 4""",
}

_SNAPSHOT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

_TOTALS = """
    SELECT (SELECT count(*) FROM account), (SELECT count(*) FROM credit_lot), (SELECT count(*) FROM credit_entry),
           (SELECT coalesce(sum(remaining), 0) FROM credit_lot),
           (SELECT coalesce(sum(remaining), 0) FROM credit_lot WHERE expires_at <= now())"""


def check_ledger(session: Session) -> LedgerReport:
    """Look at all the books of a reseller. Needs a session that has not yet asked for anything: it fixes the snapshot."""
    session.connection(execution_options=_SNAPSHOT)
    accounts, lots, entries, balance, lapsed = map(int, session.execute(text(_TOTALS)).one())
    faults = tuple(fault for check in QUERIES for fault in _faults(session, check))
    return LedgerReport(accounts, lots, entries, balance, lapsed, faults)


def _faults(session: Session, check: Check) -> list[Fault]:
    found = session.execute(text(QUERIES[check]))
    return [
        Fault(check, account, lot, int(expected), int(actual)) for account, lot, expected, actual in found
    ]
