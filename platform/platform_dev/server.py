"""One embedded server as a child process: start, stop, kill, and recovery after an unclean end."""

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Self

import psutil

from platform_core.errors import ServerUnreachable
from platform_dev.accounts import give_to_servers, make_private_folder, server_account
from platform_dev.ports import free_port, require_free

# Replaying a long write-ahead log after a crash takes a while; a server that is alive is given this long.
START_SECONDS = 180
STOP_SECONDS = 30
PORT_ATTEMPTS = 5


class EmbeddedServer(ABC):
    """A server that lives in a folder and stops with us, even when we are killed.

    The folder holds `lock` (held by whoever runs the server), `password`, `server.pid`, `server.log` and the data.
    Start it from a thread that lives as long as the server shall: the kernel ends it with that thread.
    """

    name = "server"
    stop_signal = signal.SIGTERM

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = make_private_folder(folder)
        self.port = port
        self._any_port = port == 0
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def log_path(self) -> Path:
        return self.folder / "server.log"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Returns when the server answers. Raises ServerUnreachable with the reason and the end of its log."""
        self._take_lock()
        try:
            self._end_orphan()
            self._prepare()
            self._launch()
            self._complete()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Ask it to end, and wait; what has not ended after STOP_SECONDS is killed. Does nothing when stopped."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(self.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        """SIGKILL to the server and all its children, as a power cut would end them."""
        if self._process:
            _kill_tree(self._process.pid)
            self._process.wait()
            self._process = None
        if self._lock:
            self._lock.close()
            self._lock = None

    @property
    def password(self) -> str:
        """The server's password, made on the first use and kept in a file that only its account can read."""
        path = self.folder / "password"
        if not path.exists():
            self._write_private(path, secrets.token_urlsafe(24))
        return path.read_text()

    @abstractmethod
    def _prepare(self) -> None:
        """Make the data folder where it is missing; clear what a crash left. Before every start."""

    def _complete(self) -> None:  # noqa: B027 - most servers have nothing to add
        """What is left to do when it answers. After every start."""

    @abstractmethod
    def _command(self) -> Sequence[str | Path]:
        """The server in the foreground, listening on `port`."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether the server takes work now."""

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

    def _write_private(self, path: Path, text: str) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        give_to_servers(path)

    def _take_lock(self) -> None:
        """The kernel frees the lock when we die, so whoever gets it knows that no one else runs this server."""
        lock = (self.folder / "lock").open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise ServerUnreachable(
                f"Another process already runs {self.name} in {self.folder}; stop it first."
            ) from None
        self._lock = lock

    def _end_orphan(self) -> None:
        """A server of a run that was killed may still be on its way out; two on one folder would ruin it."""
        path = self.folder / "server.pid"
        if not path.exists():
            return
        pid, _, created = path.read_text().partition(" ")
        with contextlib.suppress(psutil.NoSuchProcess):
            orphan = psutil.Process(int(pid))
            if created == str(orphan.create_time()):
                orphan.send_signal(self.stop_signal)
                with contextlib.suppress(psutil.TimeoutExpired):
                    orphan.wait(STOP_SECONDS)
                _kill_tree(orphan.pid)
        path.unlink()

    def _launch(self) -> None:
        """A port that we chose is kept over restarts, for clients know it; another is tried if it was lost meanwhile."""
        if not self._any_port:
            require_free(self.port, purpose=self.name)
        for _ in range(PORT_ATTEMPTS):
            self.port = self.port or free_port()
            self._spawn()
            if self._wait_until_ready():
                return
            if not (self._any_port and "in use" in self._log_tail()):
                break
            self.port = 0
        raise ServerUnreachable(self._failure())

    def _spawn(self) -> None:
        log = os.open(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            self._process = subprocess.Popen(
                [*bound_to_us(self.stop_signal), *self._command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=self._environment(),
                # Its own session: Ctrl-C in the terminal reaches us alone, and we stop things in their order.
                start_new_session=True,
            )
        finally:
            os.close(log)
        created = psutil.Process(self._process.pid).create_time()
        (self.folder / "server.pid").write_text(f"{self._process.pid} {created}")

    def _wait_until_ready(self) -> bool:
        """False when the process ended, or never answered in START_SECONDS."""
        assert self._process
        deadline = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            if self._answers():
                return True
            time.sleep(0.02)
        return False

    def _failure(self) -> str:
        return f"{self.name} did not start in {self.folder}. The end of its log:\n{self._log_tail()}"

    def _log_tail(self) -> str:
        return "\n".join(f"  {line}" for line in self.log_path.read_text(errors="replace").splitlines()[-10:])


def bound_to_us(end_signal: signal.Signals, *, give_up_root: bool = True) -> list[str]:
    """The start of a command line: sends `end_signal` to the command when the thread that starts it dies."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise ServerUnreachable("setpriv is missing: install the package util-linux.")
    command = [setpriv, "--pdeathsig", end_signal.name.removeprefix("SIG")]
    if give_up_root and (account := server_account()):
        command += ["--reuid", str(account.pw_uid), "--regid", str(account.pw_gid), "--clear-groups"]
    return [*command, "--"]


def _kill_tree(pid: int) -> None:
    """The process and all below it. Postgres gives each child a session of its own, so a group would not do."""
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=5)
