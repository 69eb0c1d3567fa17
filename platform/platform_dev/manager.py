"""The process manager of development: runs the product's processes, shows their output, ends them in order.

Ours and not an existing one because of three needs: the demo works beside its processes and must hear of their end,
they end in reverse order (a relay that is stopping still needs its Postgres), and they never outlive the manager,
not even when it is killed.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self, TextIO

from platform_core.errors import FrankpostError
from platform_dev.server import bound_to_us

LOOK_SECONDS = 0.2
GRACE_SECONDS = 30.0
# How long a process must have been up before it is started again: a broken one shall not spin.
RESTART_SECONDS = 1.0
KEPT_LINES = 15
# Of the terminal (ECMA-48 8.3.117), one for each process.
COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)


@dataclass(frozen=True, slots=True)
class Command:
    """A process to run. `restarts`: it is started again when it ends by itself, as a worker may be."""

    name: str
    arguments: tuple[str | Path, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    restarts: bool = False


class ProcessEnded(FrankpostError):
    """A process that should run on has ended by itself. `status` is negative for a signal's number."""

    def __init__(self, name: str, status: int, last_lines: Iterable[str]) -> None:
        said = "".join(f"\n  {line}" for line in last_lines)
        super().__init__(f"{name} ended by itself with status {status}. Its last words:{said or ' none'}")
        self.name = name
        self.status = status


class ProcessManager:
    """Runs commands until it is left; a context manager. Start processes from the main thread only.

    with ProcessManager() as manager:
        manager.start(Command("web", ("frankpost", "web"), environment))
        ...  # and call `manager.look()` now and then
        manager.wait()
    """

    def __init__(
        self, *, output: TextIO | None = None, log_folder: Path | None = None, grace: float = GRACE_SECONDS
    ) -> None:
        """`output`: where the prefixed lines go; default standard output. `log_folder`: also a file for each process."""
        self._printer = _Printer(output or sys.stdout)
        self._log_folder = log_folder
        self._grace = grace
        self._running: list[_Running] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, *commands: Command) -> None:
        """Start them in this order. Raises FrankpostError when one can't be started at all."""
        self._printer.widen(command.name for command in commands)
        for command in commands:
            self._running.append(_Running(command, self._printer, self._log_folder))

    def look(self) -> None:
        """Restart what may be restarted. Raises ProcessEnded for the first that has ended and may not."""
        for running in self._running:
            status = running.process.poll()
            if status is None:
                continue
            if not running.command.restarts:
                running.finish()
                raise ProcessEnded(running.command.name, status, running.last_lines)
            if time.monotonic() - running.started_at >= RESTART_SECONDS:
                self._printer.write("manager", f"{running.command.name} ended with status {status}; again")
                running.restart()

    def wait(self) -> None:
        """Look until something happens: returns never, raises ProcessEnded, or what a signal handler raises."""
        while True:
            self.look()
            time.sleep(LOOK_SECONDS)

    def stop(self) -> None:
        """End all in reverse order, each within its grace, then by SIGKILL."""
        while self._running:
            self._running.pop().stop(self._grace)

    def pid(self, name: str) -> int:
        """The process id behind a command's name, for tests that kill it."""
        return next(running.process.pid for running in self._running if running.command.name == name)


class _Running:
    """One command's process, and the thread that reads what it says."""

    def __init__(self, command: Command, printer: "_Printer", log_folder: Path | None) -> None:
        self.command = command
        self.last_lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._printer = printer
        self._log_path = log_folder / f"{command.name}.log" if log_folder else None
        self._start()

    def restart(self) -> None:
        """After the process has ended: its successor, in the same place of the order."""
        self.finish()
        self._start()

    def _start(self) -> None:
        self.started_at = time.monotonic()
        self.process = self._spawn()
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()

    def stop(self, grace: float) -> None:
        """The process is asked alone, for it knows best how its children end; what is left of them is killed."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(grace)
        except subprocess.TimeoutExpired:
            self._printer.write("manager", f"{self.command.name} did not end in {grace:g} s and is killed")
        self.finish()

    def finish(self) -> None:
        """Kill what is left of the process and its children, and wait for its last words."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join(timeout=5)

    def _spawn(self) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                [*bound_to_us(signal.SIGTERM, give_up_root=False), *self.command.arguments],
                env=os.environ | {"PYTHONUNBUFFERED": "1"} | dict(self.command.environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                # Ctrl-C in the terminal reaches the manager alone; the order of the end is its business.
                start_new_session=True,
            )
        except OSError as error:
            raise FrankpostError(f"{self.command.name} can't be started: {error}") from None

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout
        log = self._log_path.open("ab") if self._log_path else None
        with process.stdout as lines:
            for line in lines:
                self._take(line, log)
        if log:
            log.close()

    def _take(self, line: bytes, log: IO[bytes] | None) -> None:
        text = line.decode(errors="replace").rstrip()
        self.last_lines.append(text)
        self._printer.write(self.command.name, text)
        if log:
            log.write(line)
            log.flush()


class _Printer:
    """Writes whole lines from many threads, each behind its process's name; coloured on a terminal."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._width = len("manager")
        self._colours: dict[str, int] = {}
        self._lock = threading.Lock()

    def widen(self, names: Iterable[str]) -> None:
        self._width = max(self._width, *(len(name) for name in names))

    def write(self, name: str, text: str) -> None:
        with self._lock:
            self._output.write(f"{self._prefix(name)} {text}\n")
            self._output.flush()

    def _prefix(self, name: str) -> str:
        label = f"{name:<{self._width}} |"
        if not self._output.isatty():
            return label
        colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
        return f"\x1b[{colour}m{label}\x1b[0m"
