"""The process manager: what it runs, in which order it ends things, and that nothing outlives it."""

import io
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from platform_core.errors import FrankpostError
from platform_dev.manager import Command, ProcessEnded, ProcessManager
from platform_dev.signals import end_by_interrupt

PATIENCE_SECONDS = 20


def python(name: str, code: str, *, restarts: bool = False) -> Command:
    return Command(name, (sys.executable, "-c", code), restarts=restarts)


def eventually(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


SLEEP = "import time; print('up', flush=True); time.sleep(600)"
# Says when it is told to end.
ORDERLY = """
import signal, sys, time
def end(*_):
    print('ending', flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print('up', flush=True)
time.sleep(600)
"""
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"


def test_each_line_bears_the_name_of_its_process() -> None:
    output = io.StringIO()
    with ProcessManager(output=output) as manager:
        manager.start(python("web", SLEEP), python("worker-1", SLEEP))
        eventually(lambda: output.getvalue().count("up") == 2)
    assert sorted(output.getvalue().splitlines()) == ["web      | up", "worker-1 | up"]


def test_processes_end_in_reverse_order() -> None:
    output = io.StringIO()
    with ProcessManager(output=output) as manager:
        manager.start(python("first", ORDERLY), python("second", ORDERLY))
        eventually(lambda: output.getvalue().count("up") == 2)
    endings = [line.split()[0] for line in output.getvalue().splitlines() if "ending" in line]
    assert endings == ["second", "first"]


def test_what_does_not_end_in_its_grace_is_killed() -> None:
    output = io.StringIO()
    with ProcessManager(output=output, grace=0.2) as manager:
        manager.start(python("stubborn", STUBBORN))
        eventually(lambda: "up" in output.getvalue())
        pid = manager.pid("stubborn")
    assert gone(pid)
    assert "did not end in 0.2 s and is killed" in output.getvalue()


def test_the_end_of_one_process_is_told_with_its_last_words() -> None:
    with ProcessManager(output=io.StringIO()) as manager:
        manager.start(python("steady", SLEEP), python("brief", "print('no disk left'); raise SystemExit(3)"))
        with pytest.raises(ProcessEnded, match=r"(?s)brief .* status 3.*no disk left") as ended:
            manager.wait()
        steady = manager.pid("steady")
    assert (ended.value.name, ended.value.status) == ("brief", 3)
    assert gone(steady)


def test_a_worker_that_ends_is_started_again() -> None:
    with ProcessManager(output=io.StringIO()) as manager:
        manager.start(python("worker", SLEEP, restarts=True))
        first = manager.pid("worker")
        psutil.Process(first).kill()

        def restarted() -> bool:
            manager.look()
            return manager.pid("worker") != first

        eventually(restarted)
        assert not gone(manager.pid("worker"))


def test_a_program_that_is_not_there_is_a_plain_sentence() -> None:
    with ProcessManager(output=io.StringIO()) as manager:
        manager.start(Command("ghost", ("/nowhere/ghost",)))
        with pytest.raises(FrankpostError, match="ghost"):
            manager.wait()


def test_the_environment_of_a_command_reaches_it_beside_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM_US", "ours")
    output = io.StringIO()
    show = "import os, time; print(os.environ['FROM_US'], os.environ['ITS_OWN'], flush=True); time.sleep(600)"
    with ProcessManager(output=output) as manager:
        manager.start(Command("web", (sys.executable, "-c", show), {"ITS_OWN": "its"}))
        eventually(lambda: "ours its" in output.getvalue())


def test_lines_are_kept_in_a_file_of_each_process_too(tmp_path: Path) -> None:
    with ProcessManager(output=io.StringIO(), log_folder=tmp_path) as manager:
        manager.start(python("web", SLEEP))
        eventually(lambda: (tmp_path / "web.log").exists() and "up" in (tmp_path / "web.log").read_text())


def test_children_of_a_process_end_with_it() -> None:
    output = io.StringIO()
    spawn = "import subprocess, time; print('child', subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)"
    with ProcessManager(output=output) as manager:
        manager.start(python("web", spawn))
        eventually(lambda: "child" in output.getvalue())
    eventually(lambda: gone(int(output.getvalue().split()[-1])))


def test_nothing_outlives_a_killed_manager(tmp_path: Path) -> None:
    code = f"""
import pathlib
from platform_dev.manager import Command, ProcessManager
with ProcessManager() as manager:
    manager.start(Command("child", ("sleep", "600")))
    pathlib.Path({str(tmp_path / "pid")!r}).write_text(str(manager.pid("child")))
    manager.wait()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL) as manager:
        eventually(lambda: (tmp_path / "pid").exists() and bool((tmp_path / "pid").read_text()))
        manager.kill()
    eventually(lambda: gone(int((tmp_path / "pid").read_text())))


def test_sigterm_ends_a_block_as_ctrl_c_does() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        end_by_interrupt()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        # The second one is ignored: what unwinds must not be cut short.
        signal.raise_signal(signal.SIGINT)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
