"""Under which system account embedded servers run, and which folders that account can reach.

Postgres refuses to run as root. When we are root, servers run as `nobody`; then their binaries and data must
lie where `nobody` may go, which a clone under /root is not.
"""

import hashlib
import os
import pwd
import shutil
import stat
from functools import cache
from pathlib import Path

from platform_core.settings import ROOT

# Only root can write here, so nobody else can lay a trap under a name that we are about to use.
# `scripts/clean` removes the part that belongs to its clone.
ELSEWHERE = Path("/var/lib/frankpost")


def server_account() -> pwd.struct_passwd | None:
    """The account that servers are given when we are root; None when they simply run as ourselves."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def make_private_folder(wanted: Path) -> Path:
    """A folder with mode 0700 that belongs to the servers' account: `wanted`, or a place that it can reach.

    In the second case `wanted` becomes a symbolic link to that place, so that people still find the data.
    """
    place = wanted.absolute()
    place.parent.mkdir(parents=True, exist_ok=True)
    if server_account() and not _reachable(place.parent):
        place = _elsewhere(place)
        _link(wanted.absolute(), place)
    place.mkdir(parents=True, exist_ok=True)
    place.chmod(0o700)
    give_to_servers(place)
    return place


@cache
def make_reachable(tree: Path) -> Path:
    """`tree`, or a copy of it that the servers' account can read and execute. Copied once per version."""
    if server_account() is None or (_reachable(tree) and _readable(tree)):
        return tree
    status = tree.stat()
    place = _elsewhere(tree)
    copy = place.with_name(f"{place.name}-{status.st_mtime_ns:x}")
    if not copy.exists():
        unfinished = copy.with_name(f"{copy.name}.{os.getpid()}")
        shutil.copytree(tree, unfinished, symlinks=True)
        _open_to_all(unfinished)
        _rename_unless_there(unfinished, copy)
    return copy


def give_to_servers(path: Path) -> None:
    """Make `path` the property of the servers' account."""
    if account := server_account():
        os.chown(path, account.pw_uid, account.pw_gid)


def _reachable(path: Path) -> bool:
    """Whether every folder on the way may be entered by anyone. Symbolic links are followed first."""
    resolved = path.resolve()
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (resolved, *resolved.parents))


def _readable(tree: Path) -> bool:
    """Whether anyone may read what lies in it; not so when it was installed under a strict umask."""
    return all(path.stat().st_mode & stat.S_IROTH for path in tree.rglob("*"))


def _open_to_all(tree: Path) -> None:
    """As `chmod -R a+rX`."""
    for path in (tree, *tree.rglob("*")):
        mode = path.stat().st_mode
        executable = stat.S_ISDIR(mode) or mode & stat.S_IXUSR
        path.chmod(stat.S_IMODE(mode) | (0o555 if executable else 0o444))


def _elsewhere(path: Path) -> Path:
    """Where `path` is kept instead: in a folder of this clone, under a name that people recognise."""
    home = ELSEWHERE / _digest(ROOT)
    for folder in (ELSEWHERE, home):
        folder.mkdir(exist_ok=True)
        # Whatever the umask is.
        folder.chmod(0o755)
    return home / f"{path.name}-{_digest(path)}"


def _digest(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:12]


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() or not link.exists():
        link.unlink(missing_ok=True)
        link.symlink_to(target)


def _rename_unless_there(unfinished: Path, copy: Path) -> None:
    """Two processes may copy at once: the first to end wins, the other's copy goes away."""
    try:
        unfinished.rename(copy)
    except OSError:
        shutil.rmtree(unfinished)
