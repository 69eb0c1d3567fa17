"""The lock files: complete, hashed, in step with pyproject.toml, and tied to no registry."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from platform_core.settings import ROOT

PINNED = re.compile(r"^(?P<name>[a-z0-9._-]+)==(?P<version>[^ ;\\]+)", re.MULTILINE | re.IGNORECASE)
# An address on a host that is a package registry by its name, or an option that names one.
REGISTRY_ADDRESS = re.compile(
    r"https?://[^/\s\"']*(pypi|pythonhosted|npm|registry|artifactory|devpi|nexus|jfrog)", re.IGNORECASE
)
REGISTRY_OPTION = re.compile(
    r"^\s*(--(extra-)?index-url|--find-links|--trusted-host|-i |registry\s*=|(extra-)?index-url\s*=)",
    re.MULTILINE,
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME = PROJECT["project"]["dependencies"]
ALL = RUNTIME + PROJECT["project"]["optional-dependencies"]["dev"]
LOCKS = {
    "requirements.lock": RUNTIME,
    "requirements-dev.lock": ALL,
    "requirements-build.lock": PROJECT["dependency-groups"]["build"],
}


def pins(lock: str) -> dict[str, set[Version]]:
    """A package may be pinned twice, for different versions of Python."""
    found: dict[str, set[Version]] = {}
    for match in PINNED.finditer((ROOT / lock).read_text()):
        found.setdefault(canonicalize_name(match["name"]), set()).add(Version(match["version"]))
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_every_dependency_is_locked_in_a_version_that_serves(lock: str) -> None:
    pinned = pins(lock)
    for requirement in map(Requirement, LOCKS[lock]):
        versions = pinned.get(canonicalize_name(requirement.name), set())
        assert versions, f"{requirement.name} is not in {lock}: run `make lock`"
        assert all(requirement.specifier.contains(version) for version in versions), requirement


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash(lock: str) -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", (ROOT / lock).read_text(), flags=re.IGNORECASE)
    pinned = [block for block in blocks if PINNED.match(block)]
    assert pinned
    assert not [block for block in pinned if "--hash=sha256:" not in block]


def test_development_has_what_production_has() -> None:
    development = pins("requirements-dev.lock")
    assert all(development[name] == versions for name, versions in pins("requirements.lock").items())


def test_npm_packages_are_locked_exactly_and_by_integrity() -> None:
    wanted = json.loads((ROOT / "package.json").read_text())["dependencies"]
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    locked = {name.removeprefix("node_modules/"): package for name, package in packages.items() if name}
    assert {name: locked[name]["version"] for name in wanted} == wanted
    assert all(package["integrity"].startswith("sha512-") for package in locked.values())
    assert not [name for name, package in locked.items() if "resolved" in package]


def test_no_committed_file_names_a_package_registry(committed_files: list[Path]) -> None:
    texts = {path: path.read_bytes().decode(errors="replace") for path in committed_files}
    assert ROOT / "requirements.lock" in texts
    naming = [
        str(path.relative_to(ROOT))
        for path, text in texts.items()
        if REGISTRY_ADDRESS.search(text) or REGISTRY_OPTION.search(text)
    ]
    assert not naming
