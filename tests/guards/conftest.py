"""What the guards look at."""

import subprocess
from pathlib import Path

import pytest

from platform_core.settings import ROOT


@pytest.fixture(scope="session")
def committed_files() -> list[Path]:
    """Also those that are about to be: everything that git does not ignore."""
    listing = subprocess.run(
        # A clone of another user's, as continuous integration may have it, is as good to us.
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = (ROOT / name for name in listing.stdout.split("\0") if name)
    return [path for path in paths if path.is_file()]
