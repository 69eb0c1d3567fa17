"""What every session of one relay process shares."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from platform_core.clock import Clock
from platform_core.settings import Settings
from relay_worker.queue.door import Door
from relay_worker.submission.auth import Logins
from relay_worker.submission.batcher import Batcher
from relay_worker.submission.limits import ConnectionLimit, Memory
from relay_worker.submission.tls import Certificates

if TYPE_CHECKING:
    from relay_worker.inbound.reception import Reception
    from relay_worker.submission.session import SmtpSession


@dataclass(slots=True)
class Services:
    """The relay as its sessions see it. `sessions`: all that are open; `stopping`: no new transaction begins.

    `reception`: for mail that comes back; None where none is taken.
    """

    settings: Settings
    clock: Clock
    door: Door
    certificates: Certificates
    logins: Logins
    connections: ConnectionLimit
    memory: Memory
    batcher: Batcher
    sessions: "set[SmtpSession]"
    reception: "Reception | None" = None
    stopping: bool = False
