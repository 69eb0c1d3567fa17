"""CPU time of whole process trees, as the kernel counts it."""

from collections.abc import Mapping

import psutil


def cpu_seconds(trees: Mapping[str, list[int]]) -> dict[str, float]:
    """User and system seconds spent so far by each group of process trees, children that have ended included."""
    return {name: sum(_tree(pid) for pid in pids) for name, pids in trees.items()}


def _tree(pid: int) -> float:
    root = psutil.Process(pid)
    ended = root.cpu_times()
    return (
        ended.children_user
        + ended.children_system
        + sum(_own(process) for process in [root, *root.children(recursive=True)])
    )


def _own(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system
