"""Where servers keep their things when we are root: always somewhere that their own account can reach."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from platform_dev import accounts

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's servers run as that user")


@pytest.fixture(autouse=True)
def elsewhere(server_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """In place of /var/lib/frankpost."""
    monkeypatch.setattr(accounts, "ELSEWHERE", server_folder / "elsewhere")
    yield server_folder / "elsewhere"
    accounts.make_reachable.cache_clear()


@pytest.fixture
def open_folder(server_folder: Path, tmp_path: Path) -> Path:
    folder = server_folder / f"open-{tmp_path.name}"
    folder.mkdir()
    folder.chmod(0o755)
    return folder


def test_a_reachable_folder_is_taken_as_it_is_and_closed_to_others(open_folder: Path) -> None:
    made = accounts.make_private_folder(open_folder / "data")
    assert made == open_folder / "data"
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert made.owner() == "nobody"


def test_an_unreachable_folder_becomes_a_link_to_one_that_is_not(tmp_path: Path, elsewhere: Path) -> None:
    tmp_path.chmod(0o700)
    made = accounts.make_private_folder(tmp_path / "data")
    assert made.is_relative_to(elsewhere)
    assert (tmp_path / "data").resolve() == made
    assert accounts.make_private_folder(tmp_path / "data") == made


def test_programs_are_copied_only_where_they_can_not_be_reached(tmp_path: Path, elsewhere: Path) -> None:
    program = tmp_path / "bin" / "server"
    program.parent.mkdir()
    program.write_text("run me")
    program.chmod(0o700)
    tmp_path.chmod(0o700)
    copy = accounts.make_reachable(tmp_path / "bin")
    assert copy.is_relative_to(elsewhere)
    assert stat.S_IMODE((copy / "server").stat().st_mode) == 0o755


def test_programs_that_can_be_reached_stay_where_they_are(open_folder: Path) -> None:
    assert accounts.make_reachable(open_folder) == open_folder


def test_programs_installed_under_a_strict_umask_are_copied(open_folder: Path, elsewhere: Path) -> None:
    (open_folder / "server").touch(mode=0o700)
    assert accounts.make_reachable(open_folder).is_relative_to(elsewhere)
