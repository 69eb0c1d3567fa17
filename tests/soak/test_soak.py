"""A hundred thousand messages while everything is killed again and again: all arrive, and the books add up.

FRANKPOST_SOAK_MESSAGES says another number.
"""

import os
import random
import sys

import pytest

from tests.end_to_end.product import Product
from tests.end_to_end.senders import Senders
from tests.soak.books import account_of, check, check_money, until_all_is_told
from tests.soak.calamities import CALAMITIES, Blow, strike

MESSAGES = int(os.environ.get("FRANKPOST_SOAK_MESSAGES", "100000"))
# Accepted messages between two calamities.
PEACE = 2000

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]


def test_nothing_is_lost_whatever_is_killed(product: Product, capsys: pytest.CaptureFixture[str]) -> None:
    blows: list[Blow] = []
    with Senders(product, threads=8, limit=MESSAGES).sending() as senders:
        while len(senders.accepted) < MESSAGES:
            senders.wait_for(min(len(senders.accepted) + PEACE, MESSAGES), seconds=300)
            blows.append(strike(random.choice(CALAMITIES), product))
    product.until_arrived(senders.accepted, seconds=600)
    until_all_is_told(product, seconds=120)
    account = account_of(product, senders, blows)
    with capsys.disabled():
        sys.stdout.write(f"\n{account}\n")
    check(account)
    check_money(product)
