"""What the demo is made of: names, ports, folders, and the settings its processes run with."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from platform_dev.ports import free_port, is_free, require_free

AGENCY = "paperplane"
AGENCY_DOMAIN = f"{AGENCY}.example"  # what it sends its own letters from
PORTAL_HOST = f"mail.{AGENCY}.localhost"
SMTP_HOST = f"smtp.{AGENCY}.localhost"
TRACKING_HOST = f"click.{AGENCY}.localhost"
RETURN_PATH_HOST = f"bounce.{AGENCY}.localhost"
CONSOLE_HOST = "console.localhost"
RECIPIENT = "jane@inbox.example"
RECIPIENT_DOMAIN = "inbox.example"
RECIPIENT_MX = "mx.inbox.example"
STAFF_EMAIL = "staff@console.localhost"


@dataclass(frozen=True, slots=True)
class Ports:
    """Ports on loopback. The relay's come in the order of its settings."""

    web: int
    starttls: tuple[int, ...]
    tls: tuple[int, ...]
    nameserver: int
    sink: int
    payments: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is. `report` is what other programs read."""

    var_dir: Path
    ports: Ports

    @property
    def folder(self) -> Path:
        return self.var_dir / "demo"

    @property
    def mailbox(self) -> Path:
        return self.folder / "mailbox"

    @property
    def zone(self) -> Path:
        return self.folder / "zone"

    @property
    def payments(self) -> Path:
        return self.folder / "payments"

    @property
    def payment_server(self) -> str:
        return f"http://127.0.0.1:{self.ports.payments}"

    @property
    def authority(self) -> Path:
        return self.var_dir / "authority"

    @property
    def report(self) -> Path:
        return self.var_dir / "demo.json"

    def url(self, host: str) -> str:
        return f"http://{host}:{self.ports.web}/"


def choose_ports(environment: Mapping[str, str] = os.environ) -> Ports:
    """The ports set in the environment, else the demo's own, else free ones. Raises ServerUnreachable when one that
    was asked for is taken.
    """
    return Ports(
        web=_port(environment, "FRANKPOST_WEB_PORT", 8080, "the portal and the console"),
        starttls=_ports(environment, "FRANKPOST_RELAY_STARTTLS_PORTS", (10587, 12525, 10025)),
        tls=_ports(environment, "FRANKPOST_RELAY_TLS_PORTS", (10465, 25025)),
        nameserver=_free(10053),
        sink=_free(10026),
        payments=_free(10420),
    )


def process_environment(layout: Layout, servers: Mapping[str, str]) -> dict[str, str]:
    """The settings of every process of the demo. What the environment sets already is left as it is, where it may."""
    ports = layout.ports
    fixed = {
        **servers,
        "FRANKPOST_VAR_DIR": str(layout.var_dir),
        "FRANKPOST_SECRET_KEY": os.environ.get("FRANKPOST_SECRET_KEY")
        or _kept_secret(layout.folder / "secret-key"),
        "FRANKPOST_PLATFORM_HOST": CONSOLE_HOST,
        "FRANKPOST_WEB_PORT": str(ports.web),
        "FRANKPOST_EXTERNAL_PORT": str(ports.web),
        "FRANKPOST_RELAY_BIND": "127.0.0.1",
        "FRANKPOST_RELAY_STARTTLS_PORTS": ",".join(map(str, ports.starttls)),
        "FRANKPOST_RELAY_TLS_PORTS": ",".join(map(str, ports.tls)),
        "FRANKPOST_INBOUND_PORTS": str(ports.starttls[-1]),  # the one that stands for port 25
        "FRANKPOST_NAMESERVERS": f"127.0.0.1:{ports.nameserver}",
        # Mail goes where its MX says, which is loopback here, and to the receiving server's port there.
        "FRANKPOST_DELIVERY_ROUTES": f"*=:{ports.sink}",
        "FRANKPOST_DELIVERY_ALLOW_PRIVATE_ADDRESSES": "true",
        # It has the one domain from which the platform's letters can be sent here.
        "FRANKPOST_PLATFORM_RESELLER": AGENCY,
    }
    if "FRANKPOST_STRIPE_SECRET_KEY" not in os.environ:
        fixed |= _payment_settings(layout)
    quiet = {"FRANKPOST_LOG_LEVEL": "warning", "FRANKPOST_LOG_FORMAT": "console"}
    return {name: value for name, value in quiet.items() if name not in os.environ} | fixed


def _payment_settings(layout: Layout) -> dict[str, str]:
    """For the payment server of the demo; whoever has set a key of his own has his own payment service."""
    return {
        "FRANKPOST_STRIPE_SECRET_KEY": "sk_test_demo",
        "FRANKPOST_STRIPE_API_BASE": layout.payment_server,
        "FRANKPOST_STRIPE_WEBHOOK_SECRET": _kept_secret(layout.folder / "webhook-secret"),
        "FRANKPOST_STRIPE_CONNECT_WEBHOOK_SECRET": _kept_secret(layout.folder / "connect-webhook-secret"),
    }


def _port(environment: Mapping[str, str], name: str, preferred: int, purpose: str) -> int:
    if name not in environment:
        return _free(preferred)
    port = int(environment[name]) or free_port()
    require_free(port, purpose=purpose)
    return port


def _ports(environment: Mapping[str, str], name: str, preferred: tuple[int, ...]) -> tuple[int, ...]:
    if name not in environment:
        return tuple(_free(port) for port in preferred)
    ports = tuple(int(part) or free_port() for part in environment[name].split(","))
    for port in ports:
        require_free(port, purpose="the relay")
    return ports


def _free(preferred: int) -> int:
    return preferred if is_free(preferred) else free_port()


def _kept_secret(path: Path) -> str:
    """The same over all runs of the demo: it has sealed what is in the database."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48))
    return path.read_text()
