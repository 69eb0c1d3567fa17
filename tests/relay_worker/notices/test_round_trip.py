"""From a refusal on the wire to the report in the sender's hands: the engine, the database and two mail servers."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import dkim
import pytest

from platform_core.database import tenant_session
from platform_core.security import Seal
from platform_core.settings import Settings, settings
from relay_worker.bounces.dsn import read_report
from relay_worker.bounces.report import ReportKind
from relay_worker.delivery import engine as engine_module
from relay_worker.delivery.engine import Engine
from relay_worker.queue.postgres import PostgresClaims
from tenants.models import DomainState
from tenants.resellers.signing_domain import remove_signing_domain, set_signing_domain
from tests.relay_worker.notices.conftest import Shop
from tests.relay_worker.scripted_mx import Delivered, Script, ScriptedMx

ASKED = "NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;b@x.example"
WITHOUT_DSN = ("PIPELINING", "8BITMIME")


@pytest.fixture(autouse=True)
def short_linger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "LINGER_SECONDS", 0.1)


@contextmanager
def mail_server(shop: Shop, script: Script) -> Iterator[ScriptedMx]:
    mx = ScriptedMx(script)
    shop.desk.run(mx.__aenter__())
    yield mx
    shop.desk.run(mx.__aexit__())


def deliver(shop: Shop, mx: ScriptedMx) -> None:
    """Have everything that is due sent to this server."""
    found = settings().model_copy(
        update={"delivery_smart_host": f"127.0.0.1:{mx.port}", "delivery_allow_private_addresses": True}
    )
    shop.desk.run(drain(shop, found))


async def drain(shop: Shop, found: Settings) -> None:
    engine = Engine(found, PostgresClaims(shop.desk.pool, found))
    try:
        await engine.run(time.monotonic() + 10)
    finally:
        await engine.close(0.1)


def sent_on(shop: Shop, script: Script) -> tuple[ScriptedMx, list[Delivered]]:
    """What the recipient's server saw, and the reports that the sender's server got thereafter."""
    shop.desk.accept(
        shop.sender.message("b@x.example", rcpt_dsn=(ASKED,), envelope_id="QQ1", dsn_return="FULL")
    )
    with mail_server(shop, script) as recipients:
        deliver(shop, recipients)
    shop.run_job()
    with mail_server(shop, Script()) as senders:
        deliver(shop, senders)
    return recipients, senders.delivered


def test_a_refusal_comes_back_as_a_report_with_the_whole_message(shop: Shop) -> None:
    refusing = Script(recipients={"b@x.example": "550 5.1.1 no such user"}, extensions=WITHOUT_DSN)
    _, (report,) = sent_on(shop, refusing)
    assert report.mail_command.startswith("MAIL FROM:<>")
    assert report.rcpt_to == ("bounces@shop.example",)
    assert read_report(report.content).kind is ReportKind.BOUNCE
    assert b"Original-Envelope-Id: QQ1\r\n" in report.content
    assert b"Content-Type: message/rfc822\r\n" in report.content


def test_a_delivery_to_a_server_without_dsn_comes_back_as_handed_on(shop: Shop) -> None:
    recipients, (report,) = sent_on(shop, Script(extensions=WITHOUT_DSN))
    assert "RCPT TO:<b@x.example>" in recipients.commands
    assert b"\r\nAction: relayed\r\n" in report.content


def test_a_server_with_dsn_is_asked_and_we_are_silent(shop: Shop) -> None:
    recipients, reports = sent_on(shop, Script(extensions=(*WITHOUT_DSN, "DSN")))
    assert f"RCPT TO:<b@x.example> {ASKED}" in recipients.commands
    assert reports == []


def test_the_report_is_signed_by_the_resellers_own_domain(shop: Shop) -> None:
    with tenant_session(shop.sender.reseller) as session:
        made = set_signing_domain(
            session, "agency.example", seal=Seal(settings().secret_key.get_secret_value())
        )
        made.state = DomainState.VERIFIED
        session.commit()
    _, (report,) = sent_on(shop, Script(extensions=WITHOUT_DSN))
    record = f"v=DKIM1; k=rsa; p={made.public_key}".encode()
    assert b"d=agency.example;" in report.content
    assert dkim.verify(report.content, dnsfunc=lambda name, timeout=5: record)
    with tenant_session(shop.sender.reseller) as session:
        remove_signing_domain(session, session.merge(made))
        session.commit()
