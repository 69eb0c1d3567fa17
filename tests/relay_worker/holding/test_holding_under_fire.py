"""Many who release at once, and releasing processes that are killed: credits hold to the last one, nothing is lost."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from flask import Flask

from platform_core.clock import StoppedClock
from platform_core.database import tenant_session
from platform_core.settings import ROOT
from relay_worker.holding.services import release_held
from relay_worker.queue.door import Verdict
from tests.relay_worker.queue.conftest import OpenAccount
from tests.relay_worker.queue.desk import NOON, Desk, Sender

# Releases recipient by recipient, so that there are many moments to be killed at.
CHILD = """
import sys
from platform_core.database import ResellerRef
from platform_core.settings import settings
from platform_web.headless import headless_context
from relay_worker.holding import jobs, services
services.AT_ONCE = 1
with headless_context(settings()):
    jobs.release_all(ResellerRef(int(sys.argv[1]), sys.argv[2]), int(sys.argv[3]))
"""


def holding(desk: Desk, account: OpenAccount, messages: int) -> Sender:
    sender = account()
    sender.change("account", at_quota_end="hold")
    verdicts = desk.ingest(*(sender.message(f"{n}@example.org") for n in range(messages)))
    assert set(verdicts) == {Verdict.HELD}
    return sender


def released(sender: Sender) -> int:
    return list(sender.states.values()).count("queued")


def test_of_100_who_release_at_once_none_overdraws(app: Flask, desk: Desk, account: OpenAccount) -> None:
    sender = holding(desk, account, 60)
    for credits in 20, 10:
        sender.grant(credits)

    def release(_: int) -> int:
        with app.app_context(), tenant_session(sender.reseller) as session:
            settled = release_held(session, sender.account_id, clock=StoppedClock(NOON))
            session.commit()
            return settled

    with ThreadPoolExecutor(12) as threads:
        assert sum(threads.map(release, range(100))) == 30
    assert (released(sender), sender.count("held"), len(sender.due)) == (30, 30, 30)
    assert (sender.used, sender.ledger, set(sender.lots.values())) == (30, 0, {0})


def test_releasing_and_accepting_at_once_share_what_there_is(
    app: Flask, desk: Desk, account: OpenAccount
) -> None:
    sender = holding(desk, account, 20)
    sender.grant(30)

    def release(_: int) -> None:
        with app.app_context(), tenant_session(sender.reseller) as session:
            while release_held(session, sender.account_id, clock=StoppedClock(NOON)):
                session.commit()

    with ThreadPoolExecutor(4) as threads:
        releases = threads.map(release, range(4))
        for n in range(20):
            desk.ingest(sender.message(f"late{n}@example.org"))
        list(releases)
    release(0)
    assert (sender.used, sender.ledger) == (30, 0)
    assert (released(sender), sender.count("held")) == (30, 10)


def test_a_release_that_is_killed_is_taken_up_where_it_was(
    app: Flask, desk: Desk, account: OpenAccount
) -> None:
    sender = holding(desk, account, 400)
    sender.grant(300)
    arguments = [str(sender.reseller.id), sender.reseller.key, str(sender.account_id)]
    for kill_at in 20, 60, 100:
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, *arguments], cwd=ROOT, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 60
        while released(sender) < kill_at:
            assert child.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        assert sender.used == released(sender) == len(sender.due) == 300 - sender.ledger
    with tenant_session(sender.reseller) as session:
        while release_held(session, sender.account_id, clock=StoppedClock(NOON)):
            session.commit()
    assert (released(sender), sender.count("held"), sender.ledger) == (300, 100, 0)
