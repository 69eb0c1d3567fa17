"""Under which system account embedded servers run, and which folders that account can reach.

Postgres refuses to run as root. When we are root, servers run as `nobody`; then their binaries and data must
lie where `nobody` may go, which a clone under /root is not.
"""

import hashlib
import os
import pwd
import shutil
import stat
from pathlib import Path

# Only root can write here, so nobody else can lay a trap under a name that we are about to use.
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


def make_reachable(tree: Path) -> Path:
    """`tree`, or a copy of it that the servers' account can read and execute. Copied once per version."""
    if server_account() is None or _reachable(tree):
        return tree
    status = tree.stat()
    copy = _elsewhere(tree).with_name(f"{_elsewhere(tree).name}-{status.st_mtime_ns:x}")
    if not copy.exists():
        unfinished = copy.with_suffix(f".{os.getpid()}")
        shutil.copytree(tree, unfinished, symlinks=True)
        unfinished.chmod(0o755)
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


def _elsewhere(path: Path) -> Path:
    """Where `path` is kept instead: a name that people recognise, and a hash that tells two clones apart."""
    digest = hashlib.sha256(str(path).encode()).hexdigest()[:12]
    return ELSEWHERE / f"{path.name}-{digest}"


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
