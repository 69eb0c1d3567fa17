"""The soak in short: each kind of process is killed once under load. The long one is run by `make soak`."""

from tests.end_to_end.product import Product
from tests.end_to_end.senders import Senders
from tests.soak.books import account_of, check, check_money, until_all_is_told
from tests.soak.calamities import KILLS, strike

PEACE = 150  # accepted messages between two kills


def test_nothing_is_lost_though_each_kind_of_process_is_killed(product: Product) -> None:
    blows = []
    with Senders(product, threads=4).sending() as senders:
        for kill in KILLS:
            senders.wait_for(len(senders.accepted) + PEACE)
            blows.append(strike(kill, product))
        senders.wait_for(len(senders.accepted) + PEACE)
    product.until_arrived(senders.accepted)
    until_all_is_told(product, seconds=30)
    check(account_of(product, senders, blows))
    check_money(product)
