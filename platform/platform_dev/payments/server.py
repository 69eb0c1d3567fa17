"""The payment server: localstripe as a child, our part before it, both on loopback."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from platform_core.errors import ServerUnreachable
from platform_dev.payments.api import Api
from platform_dev.payments.desk import Desk
from platform_dev.payments.pages import TEMPLATES, Pages
from platform_dev.payments.shelf import NotOnShelf, Shelf
from platform_dev.payments.upstream import Upstream
from platform_dev.payments.webhooks import Announcer, Endpoint
from platform_dev.ports import LOOPBACK, free_port, require_free
from platform_dev.server import bound_to_us

START_SECONDS = 60.0


class PaymentServer:
    """Answers at `address` until it is left; a context manager. Start it from a thread that lives as long as it shall.

    `folder` keeps what it knows over restarts. `desk` lets tests do what people click on.
    """

    def __init__(self, folder: Path, port: int = 0, *, endpoints: tuple[Endpoint, ...] = ()) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.port = port
        self._endpoints = endpoints

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when it answers. Raises ServerUnreachable when a port is taken or localstripe does not start."""
        self.port = self.port or free_port()
        require_free(self.port, purpose="the payment server")
        upstream_port = free_port()
        self._child = self._start_localstripe(upstream_port)
        shelf = Shelf(self._folder / "shelf.json")
        self.desk = Desk(shelf, Upstream(upstream_port, shelf), Announcer(shelf, self._endpoints))
        self.desk.announcer.start()
        self._server = make_server(
            LOOPBACK, self.port, self._application(), threaded=True, request_handler=_Quiet
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
        self.desk.announcer.stop()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()

    def _application(self) -> Flask:
        app = Flask("payments", template_folder=str(TEMPLATES), static_folder=None)
        app.register_blueprint(Api(self.desk, self.address).blueprint())
        app.register_blueprint(Pages(self.desk).blueprint())
        app.register_error_handler(NotOnShelf, lambda _error: ("There is nothing here.", 404))
        return app

    def _start_localstripe(self, port: int) -> subprocess.Popen[bytes]:
        log = (self._folder / "localstripe.log").open("ab")
        command = [sys.executable, "-m", "platform_dev.payments.localstripe_process", "--port", str(port)]
        with log:
            child = subprocess.Popen(
                [
                    *bound_to_us(signal.SIGKILL, give_up_root=False),
                    *command,
                    "--state",
                    self._folder / "localstripe",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not _answers(port):
            if child.poll() is not None or time.monotonic() > deadline:
                child.kill()
                child.wait()
                raise ServerUnreachable(
                    f"localstripe does not start; see {self._folder / 'localstripe.log'}."
                )
            time.sleep(0.05)
        return child


class _Quiet(WSGIRequestHandler):
    """Leaves the demo's terminal to what people want to see."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0
