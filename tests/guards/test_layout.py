"""The layout that packaging and imports rely on."""

import os
import platform
from pathlib import Path

import pytest

from platform_core.settings import ROOT

SOURCES = ("platform", "tenants", "billing", "relay_worker", "whitelabel")
SHAPELESS_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}


def test_platform_is_a_source_root_and_holds_packages_only() -> None:
    inside = [path for path in (ROOT / "platform").iterdir() if path.name != "__pycache__"]
    assert inside
    assert all((path / "__init__.py").is_file() for path in inside), inside


def test_pythons_own_platform_module_stays_what_it_is() -> None:
    assert platform.python_implementation() == "CPython"
    assert Path(platform.__file__).parent == Path(os.__file__).parent


def test_no_package_lies_under_tests() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))


@pytest.mark.parametrize("source", SOURCES)
def test_every_folder_of_ours_with_modules_is_a_package(source: str) -> None:
    folders = {path.parent for path in (ROOT / source).rglob("*.py")}
    bare = [folder for folder in folders if not (folder / "__init__.py").exists()]
    assert not bare


@pytest.mark.parametrize("source", SOURCES)
def test_no_module_has_a_name_that_says_nothing(source: str) -> None:
    named = [path for path in (ROOT / source).rglob("*.py") if path.stem in SHAPELESS_NAMES]
    assert not named


def test_every_module_begins_with_its_docstring(committed_files: list[Path]) -> None:
    modules = [path for path in committed_files if path.suffix == ".py" and _is_ours(path)]
    assert modules
    assert not [path for path in modules if not path.read_text().startswith('"""')]


def _is_ours(path: Path) -> bool:
    return path.relative_to(ROOT).parts[0] in SOURCES
