"""`scripts/need`: silent when the thing is there, and a plain sentence for who may not install it."""

import os
import subprocess
from pathlib import Path

import pytest

from platform_core.settings import ROOT


@pytest.fixture
def as_ordinary_user(tmp_path: Path) -> dict[str, str]:
    """An environment in which `id -u` says 1000, so that the script never installs anything here."""
    fake = tmp_path / "id"
    fake.write_text("#!/bin/sh\necho 1000\n")
    fake.chmod(0o755)
    return os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}


def need(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / "scripts" / "need"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_nothing_is_said_when_it_is_there(as_ordinary_user: dict[str, str]) -> None:
    done = need(as_ordinary_user, "some-package", "true")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_ordinary_user_is_told_the_package(as_ordinary_user: dict[str, str]) -> None:
    done = need(as_ordinary_user, "some-package", "which", "no-such-command")
    assert done.returncode == 1
    assert "sudo apt-get install some-package" in done.stderr
