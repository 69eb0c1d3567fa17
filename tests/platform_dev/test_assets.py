"""Front-end files: exactly the listed ones are copied, and a missing one stops the set-up."""

import json
from pathlib import Path

import pytest

from platform_core.errors import NotFound
from platform_dev.assets import copy


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    package = tmp_path / "node_modules" / "@kit" / "core"
    package.mkdir(parents=True)
    (package / "kit.min.css").write_text("body{}")
    (package / "unlisted.js").write_text("")
    return tmp_path / "node_modules"


def list_files(folder: Path, files: dict[str, str]) -> Path:
    listing = folder / "assets.json"
    listing.write_text(json.dumps(files))
    return listing


def test_listed_files_and_no_others_are_copied(modules: Path, tmp_path: Path) -> None:
    listing = list_files(tmp_path, {"@kit/core/kit.min.css": "kit/kit.css"})
    vendor = tmp_path / "vendor"
    (vendor / "left-over").mkdir(parents=True)
    copy(modules, listing=listing, target=vendor)
    assert [path.relative_to(vendor).as_posix() for path in vendor.rglob("*.*")] == ["kit/kit.css"]
    assert not (vendor / "left-over").exists()


def test_a_missing_file_is_named_and_the_old_copy_stays(modules: Path, tmp_path: Path) -> None:
    listing = list_files(tmp_path, {"@kit/core/kit.min.js": "kit/kit.js"})
    vendor = tmp_path / "vendor"
    vendor.mkdir()
    with pytest.raises(NotFound, match=r"kit\.min\.js"):
        copy(modules, listing=listing, target=vendor)
    assert vendor.exists()
