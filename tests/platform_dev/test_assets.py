"""Front-end files: locked by hash, exactly the listed ones are copied, and a missing one stops the set-up."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from platform_core.errors import NotFound
from platform_dev.assets import copy, lock


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


# --- the lock file ---

INTEGRITY = f"sha512-{'A' * 86}=="


class Kits(BaseHTTPRequestHandler):
    """A shelf with one package in one version."""

    def do_GET(self) -> None:
        dist = {"tarball": f"http://{self.headers['Host']}/kit/-/kit-1.0.0.tgz", "integrity": INTEGRITY}
        kit = {"name": "kit", "version": "1.0.0", "dist": dist}
        body = json.dumps({"name": "kit", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": kit}})
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Where npm looks for packages, with nothing in its cache."""
    with HTTPServer(("127.0.0.1", 0), Kits) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{server.server_port}/")
        monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
        yield
        server.shutdown()


@pytest.mark.usefixtures("shelf")
def test_a_lock_has_every_hash_whatever_is_installed_already(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text(json.dumps({"name": "shop", "dependencies": {"kit": "1.0.0"}}))
    installed = tmp_path / "node_modules" / "kit" / "package.json"
    installed.parent.mkdir(parents=True)
    installed.write_text(json.dumps({"name": "kit", "version": "1.0.0"}))
    lock(tmp_path)
    locked = json.loads((tmp_path / "package-lock.json").read_text())["packages"]["node_modules/kit"]
    assert locked == {"version": "1.0.0", "integrity": INTEGRITY}
