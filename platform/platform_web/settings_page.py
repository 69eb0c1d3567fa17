"""The settings as a page for people: `docs/settings.md`, made from the fields themselves."""

import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from platform_core.settings import ROOT, Settings

PAGE = ROOT / "docs" / "settings.md"

# What a name ends in says what is counted; the rest has no unit.
UNITS = {
    "_seconds": "seconds",
    "_hours": "hours",
    "_days": "days",
    "_bytes": "bytes",
    "_messages": "messages",
    "_recipients": "recipients",
    "_connections": "connections",
    "_threads": "threads",
}

WORDS: tuple[tuple[type, str], ...] = (
    (int, "number"),
    (float, "number"),
    (bool, "yes or no"),
    (SecretStr, "secret"),
    (Path, "path"),
)

_HEAD = """# Settings

Everything an operator may set, read once from the environment when a process starts. A missing or wrong one stops the
start with its name. This page is made by `frankpost settings document`.

| variable | type | unit | default | what it is |
|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class DocumentedSetting:
    """One setting. `default` None: it has none and must be set."""

    field: str
    variable: str
    type: str
    unit: str
    default: str | None
    sentence: str
    secret: bool


def documented_settings() -> list[DocumentedSetting]:
    """Every field in the order of the class."""
    return [_document(name, field) for name, field in Settings.model_fields.items()]


def settings_page() -> str:
    """The page's Markdown."""
    return _HEAD + "".join(f"{line}\n" for line in _lines())


def shown_value(setting: DocumentedSetting, settings: Settings) -> str:
    """The value in force; of a secret only whether it is set."""
    value = getattr(settings, setting.field)
    if setting.secret:
        return "not set" if value is None else "set"
    return _text(value)


def write_page(path: Path = PAGE) -> bool:
    """Write the page; True when it changed."""
    page = settings_page()
    if path.exists() and path.read_text() == page:
        return False
    path.write_text(page)
    return True


def _lines() -> Iterator[str]:
    for setting in documented_settings():
        default = (
            "required" if setting.default is None else f"`{setting.default}`" if setting.default else "none"
        )
        sentence = setting.sentence.replace("|", "\\|")
        yield f"| `{setting.variable}` | {setting.type} | {setting.unit} | {default} | {sentence} |"


def _document(name: str, field: FieldInfo) -> DocumentedSetting:
    alias = field.validation_alias
    return DocumentedSetting(
        field=name,
        variable=alias if isinstance(alias, str) else f"FRANKPOST_{name.upper()}",
        type=_type(field.annotation),
        unit=next((unit for ending, unit in UNITS.items() if name.endswith(ending)), ""),
        default=None if field.is_required() else _text(field.default),
        sentence=field.description or "",
        secret=SecretStr in (field.annotation, *get_args(field.annotation)),
    )


def _type(annotation: object) -> str:
    """A word for a type, as an operator thinks of it."""
    if get_origin(annotation) in (Union, types.UnionType):
        (annotation,) = (part for part in get_args(annotation) if part is not type(None))
    if get_origin(annotation) is tuple:
        return f"list of {_type(get_args(annotation)[0])}s"
    if get_origin(annotation) is dict:
        return "list of pairs"
    return next((word for kind, word in WORDS if annotation is kind), "text")


def _text(value: object) -> str:
    """As one would write it into the environment; a path below the project relative to it."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Path():
            return str(value.relative_to(ROOT)) if value.is_relative_to(ROOT) else str(value)
        case dict():
            return ",".join(f"{name}={target}" for name, target in value.items())
        case tuple():
            return ",".join(map(str, value))
    return str(value)
