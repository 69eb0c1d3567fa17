"""What a delivery engine works with beside the queue."""

from dataclasses import dataclass, field

from relay_worker.addresses.chooser import SourceChooser, SystemsChoice
from relay_worker.delivery.lanes.permits import LocalPermits, Permits
from relay_worker.queue.tls_book import ForgetfulTlsBook, TlsBook
from relay_worker.queue.traffic_desk import TrafficDesk


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Without any of them an engine is alone, remembers nothing, and the system chooses our address."""

    tls_book: TlsBook = field(default_factory=ForgetfulTlsBook)
    traffic: TrafficDesk | None = None
    permits: Permits = field(default_factory=LocalPermits)
    sources: SourceChooser = field(default_factory=SystemsChoice)
