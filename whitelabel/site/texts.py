"""The reader's language, its direction, and the time zone of the account."""

from collections.abc import Callable
from pathlib import Path

from flask import Flask, request
from flask_babel import Babel, get_locale

LANGUAGES = ("en",)
TRANSLATIONS = Path(__file__).resolve().parents[1] / "translations"


def speak(app: Flask, *, time_zone: Callable[[], str]) -> None:
    """Translate the pages of `app`; `time_zone` names the zone (IANA) of whoever is looking."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(TRANSLATIONS)
    Babel(app, locale_selector=_best_language, timezone_selector=time_zone)

    @app.context_processor
    def language() -> dict[str, str]:
        locale = get_locale()
        return {"lang": str(locale).replace("_", "-"), "text_direction": locale.text_direction}


def _best_language() -> str:
    return request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]
