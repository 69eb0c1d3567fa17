"""A theme's tokens as CSS: colours, font and radius, with the brand's own colour on top."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import cast

from flask import Flask, Response, url_for

from platform_core.errors import InvalidInput, NotFound
from platform_core.settings import ROOT
from whitelabel.site.access import public

THEMES = ROOT / "themes"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,40}")
_COLOUR = re.compile(r"#[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class Look:
    """The tokens of one theme: CSS variables (name -> value) for every page, and those that differ in the dark."""

    light: dict[str, str]
    dark: dict[str, str]

    def css(self, primary: str) -> str:
        """A style sheet of variables. `primary` is `#rrggbb`; raises InvalidInput for anything else."""
        if not _COLOUR.fullmatch(primary):
            raise InvalidInput("primary colour", "A colour is written as # and six hexadecimal digits.")
        brand = {"--brand-given": primary, "--brand-text": _readable_on(primary)}
        return f":root{{{_lines({**self.light, **brand})}}}[data-bs-theme=dark]{{{_lines(self.dark)}}}"


@cache
def look(theme: str) -> Look:
    """The tokens in themes/<theme>/theme.json. Raises NotFound."""
    path = THEMES / theme / "theme.json"
    if not _NAME.fullmatch(theme) or not path.is_file():
        raise NotFound(f"There is no theme {theme!r}.")
    tokens = cast(dict[str, dict[str, str]], json.loads(path.read_text()))
    return Look(tokens["light"], tokens["dark"])


@dataclass(frozen=True, slots=True)
class Brandmark:
    """Whose site it is, as its pages show it. `colour` is `#rrggbb`; addresses are "" where there are none."""

    name: str
    colour: str
    theme: str = "default"
    site_url: str = ""
    support_email: str = ""

    @property
    def initial(self) -> str:
        return self.name[:1].upper()

    @property
    def css(self) -> str:
        return look(self.theme).css(self.colour)


def serve_look(app: Flask, current: Callable[[], Brandmark]) -> None:
    """Give the pages of `app` the brand of the request (`brand`) and its style sheet."""

    @app.get("/theme.css")
    @public
    def theme_css() -> Response:
        response = Response(current().css, content_type="text/css; charset=utf-8")
        response.headers["Cache-Control"] = "public, max-age=3600"
        return response

    @app.context_processor
    def brand() -> dict[str, object]:
        brandmark = current()
        return {"brand": brandmark, "look_href": url_for("theme_css", v=mark_of(brandmark.css))}


def mark_of(css: str) -> str:
    """A short mark of a style sheet, for its address."""
    return hashlib.sha256(css.encode()).hexdigest()[:12]


def _lines(tokens: dict[str, str]) -> str:
    return "".join(f"{name}:{value};" for name, value in tokens.items())


def _readable_on(colour: str) -> str:
    """White or near-black, whichever has more contrast (WCAG 2.2, relative luminance) on `colour`."""
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#ffffff" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.06 else "#111827"
