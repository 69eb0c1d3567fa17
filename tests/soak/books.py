"""The account at the end of a soak: what was accepted, what arrived, and why some of it came twice."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from relay_worker.delivery.recorder import BATCH
from tests.end_to_end.product import CREDITS, Product
from tests.end_to_end.senders import Senders
from tests.soak.calamities import Blow

# A worker may have sent so much and not recorded it yet: a batch that is being written, and the one that gathers.
UNRECORDED = 2 * BATCH
# From the remote's 250 to the record of it: a batch gathers for 50 ms; the rest is for a loaded machine.
UNRECORDED_SECONDS = 3.0
# What was in the sockets when the worker died is read by the remote a moment later.
IN_SOCKETS_SECONDS = 1.0

# Of each message how many deliveries are on record.
_RECORDED = """
SELECT m.message_id_header, count(e.message_id) FROM message m
LEFT JOIN event e ON e.message_id = m.id AND e.kind = 'delivered' GROUP BY 1
"""


@dataclass(frozen=True)
class Account:
    """`lost`: got a 250 and never arrived. `doubled`: copies beyond the first.

    `explained`: those of them that a worker had sent and not recorded when it was killed; so their first copy came at
    about that time and is on no record, while the second is. `unexplained`: what is known of each of the others.
    """

    accepted: int
    refused: Counter[int]
    interrupted: int
    blows: Counter[str]
    lost: frozenset[str]
    doubled: int
    explained: int
    unexplained: dict[str, str]

    def __str__(self) -> str:
        blows = ", ".join(f"{what} {count}" for what, count in sorted(self.blows.items()))
        return (
            f"{self.accepted} accepted, {self.interrupted} interrupted, {self.refused.total()} put off; {blows}; "
            f"{len(self.lost)} lost, {self.doubled} doubled, {self.explained} of them sent but not recorded"
        )


def account_of(product: Product, senders: Senders, blows: Sequence[Blow]) -> Account:
    """Once everything has arrived and is recorded."""
    recorded = _recorded(product)
    explained, unexplained = 0, {}
    doubled = product.sink.doubled(senders.accepted)
    for message_id, times in doubled.items():
        missing = len(times) - recorded[message_id]
        if missing == len(times) - 1 <= sum(_at_a_worker_kill(at, blows) for at in times):
            explained += missing
        else:
            unexplained[message_id] = _what_is_known(times, recorded[message_id], blows)
    return Account(
        accepted=len(senders.accepted),
        refused=Counter(code for code, _ in senders.refusals),
        interrupted=senders.interrupted,
        blows=Counter(blow.what for blow in blows),
        lost=frozenset(senders.accepted - product.sink.counts.keys()),
        doubled=sum(len(times) - 1 for times in doubled.values()),
        explained=explained,
        unexplained=unexplained,
    )


def _at_a_worker_kill(at: float, blows: Sequence[Blow]) -> bool:
    kills = [blow.at for blow in blows if blow.what == "kill_worker"]
    return any(-UNRECORDED_SECONDS <= at - kill <= IN_SOCKETS_SECONDS for kill in kills)


def _what_is_known(times: Sequence[float], recorded: int, blows: Sequence[Blow]) -> str:
    copies = []
    for at in times:
        nearest = min(blows, key=lambda blow: abs(blow.at - at))
        copies.append(f"{at - nearest.at:+.2f} s from {nearest.what}")
    return f"came {', '.join(copies)}; {recorded} on record"


def check(account: Account) -> None:
    """Nothing is lost, no sender is refused for good, and every copy too many has its reason."""
    assert not account.lost
    assert account.refused.keys() <= {421, 451, 454}
    assert not account.unexplained, "\n".join(sorted(account.unexplained.values()))
    assert account.explained == account.doubled <= UNRECORDED * account.blows["kill_worker"]


def check_money(product: Product) -> None:
    """Accepted, paid and delivered are the same number."""
    written = product.value("SELECT count(*) FROM recipient")
    assert product.value("SELECT sum(accepted) FROM account_month") == written
    assert product.value("SELECT sum(delivered) FROM stats_hour") == written
    assert CREDITS - product.value("SELECT sum(remaining) FROM credit_lot") == written
    assert product.value("SELECT sum(credits) FROM credit_entry") == CREDITS - written


def until_all_is_told(product: Product, seconds: float) -> None:
    """Until nothing is due, and every recipient's own row says that it was delivered."""
    product.until_recorded()
    open_rows = "SELECT count(*) FROM recipient WHERE state <> 'delivered'"
    product.until(lambda: product.value(open_rows) == 0, "every recipient is delivered", seconds)


def _recorded(product: Product) -> dict[str, int]:
    with psycopg.connect(product.postgres.url(), options="-c search_path=r_agency") as connection:
        return dict(connection.execute(_RECORDED).fetchall())
