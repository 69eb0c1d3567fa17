"""Front-end files: what pages use is listed, and what is listed is there."""

import json
import re

from flask import Flask

from platform_core.settings import ROOT
from whitelabel.site.assets import STATIC, asset, icon, serve_assets

LISTED = json.loads((ROOT / "themes" / "assets.json").read_text())
_ICON = re.compile(
    r'(?:icon|ui\.nothing)\("([a-z0-9-]+)"|ui\.note\("[a-z]+", "([a-z0-9-]+)"|MenuEntry\("[a-z_.]+", "([a-z0-9-]+)"'
)


def used_icons() -> set[str]:
    sources = [
        path
        for folder in ("themes", "whitelabel", "platform/platform_web")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".html", ".py")
    ]
    return {name for path in sources for found in _ICON.findall(path.read_text()) for name in found if name}


def test_every_listed_file_has_been_fetched() -> None:
    missing = [target for target in LISTED.values() if not (STATIC / "vendor" / target).is_file()]
    assert not missing, "run `make setup`"


def test_exactly_the_icons_in_use_are_fetched() -> None:
    listed = {
        target.removeprefix("icons/").removesuffix(".svg")
        for target in LISTED.values()
        if target.startswith("icons/") and target.endswith(".svg")
    }
    assert listed == used_icons()


def test_an_icon_is_drawn_into_the_page_and_hidden_from_readers() -> None:
    drawn = icon("mail")
    assert drawn.count("<svg") == drawn.count("</svg>") == 1
    assert 'aria-hidden="true"' in drawn
    assert 'class="icon "' in drawn


def test_a_static_files_address_changes_with_its_content_and_may_be_kept() -> None:
    app = Flask("assets", static_folder=str(STATIC))
    serve_assets(app)
    with app.test_request_context():
        address = asset("app.css")
    with app.test_client().get(address) as answer:
        assert "immutable" in answer.headers["Cache-Control"]
    with app.test_client().get("/static/app.css") as answer:
        assert "immutable" not in answer.headers["Cache-Control"]
