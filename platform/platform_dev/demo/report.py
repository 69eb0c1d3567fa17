"""What the demo says of itself: for people on the terminal, for programs in `var/demo.json`."""

import json
from dataclasses import asdict
from typing import Any

from platform_dev.demo import layout as demo
from platform_dev.demo.layout import Layout
from platform_dev.demo.sample import Sample
from platform_dev.sink import Letter


def write_report(layout: Layout, sample: Sample, servers: dict[str, str]) -> None:
    """Write `var/demo.json`, readable by its owner alone: it holds the demo's passwords."""
    layout.report.touch(mode=0o600)
    layout.report.write_text(json.dumps(report(layout, sample, servers), indent=2) + "\n")


def report(layout: Layout, sample: Sample, servers: dict[str, str]) -> dict[str, Any]:
    """Hosts, ports, logins and folders of the running demo."""
    first = sample.customers[0]
    return {
        "smtp": {
            "host": "127.0.0.1",
            "hostname": demo.SMTP_HOST,
            "starttls_ports": layout.ports.starttls,
            "tls_ports": layout.ports.tls,
            "username": first.smtp.user_name,
            "password": first.smtp.secret,
            "mail_from": first.smtp.mail_from,
            "rcpt_to": demo.RECIPIENT,
            "ca_file": str(layout.authority / "authority.crt"),
        },
        "portal": {
            "url": layout.url(demo.PORTAL_HOST),
            "agency": asdict(sample.agency),
            "customers": [{"name": customer.name} | asdict(customer.login) for customer in sample.customers],
        },
        "console": {"url": layout.url(demo.CONSOLE_HOST)} | asdict(sample.staff),
        "smtp_accounts": [
            {"customer": customer.name} | asdict(customer.smtp) for customer in sample.customers
        ],
        "receiving_server": {
            "host": "127.0.0.1",
            "port": layout.ports.sink,
            "domain": demo.RECIPIENT_DOMAIN,
            "mailbox": str(layout.mailbox / "new"),
        },
        "payment_server": layout.payment_server,
        "nameserver": f"127.0.0.1:{layout.ports.nameserver}",
        "servers": servers,
    }


def summary(layout: Layout, sample: Sample, letter: Letter) -> str:
    """The words printed when everything stands."""
    signature = letter.signatures[0]
    first = sample.customers[0]
    lines = [
        "",
        f"  A message of {first.name} went in at {demo.SMTP_HOST} and arrived at {demo.RECIPIENT}.",
        f"  Its DKIM signature by {signature.domain} holds.",
        "",
        f"  Agency portal   {layout.url(demo.PORTAL_HOST)}",
        f"    agency        {sample.agency.email}   {sample.agency.password}",
        *(
            f"    customer      {customer.login.email}   {customer.login.password}"
            for customer in sample.customers
        ),
        f"  Console         {layout.url(demo.CONSOLE_HOST)}",
        f"    staff         {sample.staff.email}   {sample.staff.password}",
        "",
        f"  Send mail       {demo.SMTP_HOST} ports {_ports(layout.ports.starttls)} (STARTTLS), {_ports(layout.ports.tls)} (TLS)",
        f"    user name     {first.smtp.user_name}   secret {first.smtp.secret}",
        f"    from          {first.smtp.mail_from}   to anybody at {demo.RECIPIENT_DOMAIN}",
        f"  Payment server  {layout.payment_server}/   where payments are refunded and disputed",
        f"  Received mail   {layout.mailbox / 'new'}",
        f"  All of this     {layout.report}",
        "",
    ]
    return "\n".join(lines)


def _ports(ports: tuple[int, ...]) -> str:
    return ", ".join(map(str, ports))
