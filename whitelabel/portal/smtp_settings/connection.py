"""Host and ports of the relay, as this reseller's customers reach them."""

from dataclasses import dataclass
from typing import cast

from flask import current_app

from platform_core.database import db
from platform_core.settings import Settings
from tenants.hostnames.queries import hostname_for
from tenants.models import HostPurpose
from whitelabel.portal.door import reseller


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """`starttls_ports` begin in clear and switch to TLS, `tls_ports` begin with TLS; the first of each is advised."""

    host: str
    starttls_ports: tuple[int, ...]
    tls_ports: tuple[int, ...]

    @property
    def port(self) -> int:
        return self.starttls_ports[0] if self.starttls_ports else self.tls_ports[0]


def connection_settings() -> ConnectionSettings:
    """For the reseller of this request; without a host name of its own, the neutral one."""
    settings = cast(Settings, current_app.extensions["settings"])
    host = hostname_for(db.session(), reseller().id, HostPurpose.SMTP)
    return ConnectionSettings(
        host or settings.relay_neutral_host, settings.relay_starttls_ports, settings.relay_tls_ports
    )
