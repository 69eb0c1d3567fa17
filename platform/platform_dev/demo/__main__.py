"""`make demo`: brings the whole product up, sends one message through it, and stays until Ctrl-C."""

import argparse
import os
import socket
import sys
import time
from pathlib import Path

from platform_core.clock import SystemClock
from platform_core.database import tenant_session
from platform_core.errors import FrankpostError
from platform_core.migrations import upgrade_database
from platform_core.settings import ROOT, settings
from platform_dev.demo.books import prepare_books
from platform_dev.demo.layout import CONSOLE_HOST, Layout, choose_ports, process_environment
from platform_dev.demo.letter import send_letter, wait_for_letter
from platform_dev.demo.report import summary, write_report
from platform_dev.demo.sample import Sample, prepare_sample, sample_domains
from platform_dev.demo.shop import open_shop
from platform_dev.demo.zone import zone_text
from platform_dev.manager import Command, ProcessManager
from platform_dev.product import product_commands
from platform_dev.servers import running_servers
from platform_dev.signals import end_by_interrupt
from platform_web.headless import headless_context
from tenants.domains.checking import check_domain
from tenants.domains.reader import RecordReader
from tenants.models import Domain, DomainState
from whitelabel.webhooks.views import PATH as WEBHOOK_PATH

_START_SECONDS = 60.0


def main() -> int:
    """Exit 0 when the message was delivered and its signature holds, else 1 with the reason on standard error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--once", action="store_true", help="end when the message was delivered")
    once = parser.parse_args().once
    try:
        end_by_interrupt()
        _run(once=once)
    except KeyboardInterrupt:
        return 0 if not once else 1
    except FrankpostError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _run(*, once: bool) -> None:
    layout = Layout(Path(os.environ.get("FRANKPOST_VAR_DIR", ROOT / "var")), choose_ports())
    layout.folder.mkdir(parents=True, exist_ok=True)
    layout.report.unlink(missing_ok=True)
    _say("Starting Postgres and Redis ...")
    with running_servers(layout.var_dir) as servers, ProcessManager() as manager:
        environment = process_environment(layout, servers.environment)
        os.environ.update(environment)
        upgrade_database(settings())
        _say("Preparing the sample agency ...")
        sample = _prepare(layout, manager, environment)
        _say("Starting the product ...")
        manager.start(*product_commands(environment))
        _wait_until_listening(manager, [layout.ports.web, *layout.ports.starttls, *layout.ports.tls])
        with headless_context(settings()):
            # Only now: what the payment server tells of the agency's account is taken by the web.
            open_shop(settings(), layout, sample.reseller, SystemClock())
        write_report(layout, sample, servers.environment)
        message_id = send_letter(layout, sample.customers[0])
        letter = wait_for_letter(layout, message_id, manager.look)
        _say(summary(layout, sample, letter))
        if not once:
            _say("  Ctrl-C ends it all.\n")
            manager.wait()


def _prepare(layout: Layout, manager: ProcessManager, environment: dict[str, str]) -> Sample:
    """The sample, its DNS records published, and its domains checked against them."""
    found = settings()
    python = (sys.executable, "-m")
    with headless_context(found):
        sample = prepare_sample(found, layout, SystemClock())
        with tenant_session(sample.reseller) as session:
            domains = sample_domains(session)
            layout.zone.write_text(zone_text(domains))
        manager.start(
            Command("nameserver", (*python, "platform_dev.nameserver", "--zone", layout.zone, "--port", str(layout.ports.nameserver)), environment),
            Command("inbox", (*python, "platform_dev.sink", "--folder", layout.mailbox, "--port", str(layout.ports.sink),
                              "--nameserver", f"127.0.0.1:{layout.ports.nameserver}", "--authority", layout.authority), environment),
        )  # fmt: skip
        _start_payment_server(layout, manager, environment)
        _wait_until_listening(manager, [layout.ports.nameserver, layout.ports.sink])
        _check_domains(sample, domains)
        prepare_books(sample.reseller, found.billing_currency, SystemClock())
    return sample


def _start_payment_server(layout: Layout, manager: ProcessManager, environment: dict[str, str]) -> None:
    """Unless the environment names another payment service."""
    if settings().stripe_api_base != layout.payment_server:
        return
    events_to = f"{layout.url(CONSOLE_HOST).rstrip('/')}{WEBHOOK_PATH}"
    command = (sys.executable, "-m", "platform_dev.payments", "--folder", layout.payments)
    port = ("--port", str(layout.ports.payments), "--events-to", events_to)
    manager.start(Command("payments", (*command, *port), environment))
    _wait_until_listening(manager, [layout.ports.payments])


def _check_domains(sample: Sample, domains: list[Domain]) -> None:
    """As the button on the domain's page does. Raises FrankpostError when a domain does not pass."""
    reader = RecordReader.from_settings(settings())
    for domain in domains:
        check_domain(sample.reseller, domain.account_id, domain.id, reader=reader, clock=SystemClock())
    with tenant_session(sample.reseller) as session:
        pending = [domain.name for domain in sample_domains(session) if domain.state != DomainState.VERIFIED]
    if pending:
        raise FrankpostError(f"The records of {', '.join(pending)} were not found in DNS.")


def _wait_until_listening(manager: ProcessManager, ports: list[int]) -> None:
    """Until each port answers. Raises ProcessEnded, or FrankpostError after a minute."""
    deadline = time.monotonic() + _START_SECONDS
    for port in ports:
        while not _answers(port):
            manager.look()
            if time.monotonic() > deadline:
                raise FrankpostError(f"Nothing answers on port {port} after {_START_SECONDS:.0f} seconds.")
            time.sleep(0.05)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
