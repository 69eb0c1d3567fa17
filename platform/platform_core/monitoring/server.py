"""The small HTTP server beside each process: /live, /ready and /metrics, in a thread of its own."""

import json
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from platform_core.monitoring.checks import Check
from platform_core.monitoring.pulse import Pulse
from platform_core.settings import Settings

# Processes of one kind on one machine take the ports from the one that is set, so that a scraper can be given the range.
PORTS = 10
_READ_SECONDS = 5.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Watched:
    """One process: alive while its loop runs (`pulse`), ready while all `checks` hold; `registry`: its figures."""

    pulse: Pulse
    checks: Mapping[str, Check]
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)


class MonitoringServer:
    """Serves from `start` to `stop`; `port` is then the one that was had, None when there was none."""

    def __init__(self, watched: Watched, bind: str, port: int) -> None:
        """`port` 0 takes any that is free."""
        self._watched = watched
        self._bind = bind
        self._wanted = port
        self._server: ThreadingHTTPServer | None = None
        ProcessCollector(registry=watched.registry)

    @property
    def port(self) -> int | None:
        return None if self._server is None else int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """A process that can't be watched does its work all the same: that no port is free is logged, and no more."""
        for port in range(self._wanted, self._wanted + PORTS) if self._wanted else (0,):
            try:
                self._server = _Server((self._bind, port), _handler(self._watched))
            except OSError as error:
                log.debug("monitoring.port_taken", port=port, error=error.strerror)
            else:
                threading.Thread(target=self._server.serve_forever, name="monitoring", daemon=True).start()
                log.info("monitoring.listening", bind=self._bind, port=self.port)
                return
        log.warning("monitoring.no_port", bind=self._bind, first=self._wanted, last=self._wanted + PORTS - 1)

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


def monitored(
    watched: Watched, settings: Settings, port: int
) -> AbstractContextManager[MonitoringServer | None]:
    """Serve while the block lasts; with `port` 0, which switches it off, nothing happens."""
    return MonitoringServer(watched, settings.metrics_bind, port) if port else nullcontext()


class _Server(ThreadingHTTPServer):
    daemon_threads = True


def _handler(watched: Watched) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _READ_SECONDS

        def do_GET(self) -> None:
            match self.path.partition("?")[0]:
                case "/metrics":
                    self._answer(HTTPStatus.OK, generate_latest(watched.registry), CONTENT_TYPE_LATEST)
                case "/live":
                    self._say({"loop": watched.pulse.alive})
                case "/ready":
                    self._say({name: check() for name, check in watched.checks.items()})
                case _:
                    self._answer(HTTPStatus.NOT_FOUND, b"", "text/plain")

        def _say(self, holds: Mapping[str, bool]) -> None:
            well = all(holds.values())
            states = {name: "ok" if ok else "down" for name, ok in holds.items()}
            body = json.dumps({"status": "ok" if well else "down", **states}).encode()
            self._answer(HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE, body, "application/json")

        def _answer(self, status: HTTPStatus, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: whoever watches asks every few seconds."""

    return Handler
