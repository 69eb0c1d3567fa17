"""Looks: a theme's tokens become CSS, and no colour can become anything else."""

import pytest

from platform_core.errors import InvalidInput, NotFound
from whitelabel.site.looks import look


@pytest.mark.parametrize("colour", ["red", "#fff", "#12345g", "#123456;}body{display:none", "", "#0F766E"])
def test_what_is_no_colour_is_refused(colour: str) -> None:
    with pytest.raises(InvalidInput):
        look("default").css(colour)


@pytest.mark.parametrize("name", ["nothing", "../secrets", "", "/etc", "Default"])
def test_a_theme_that_does_not_exist_is_not_found(name: str) -> None:
    with pytest.raises(NotFound):
        look(name)


@pytest.mark.parametrize(
    ("colour", "text"),
    [("#000080", "#ffffff"), ("#ffff00", "#111827"), ("#2563eb", "#ffffff"), ("#ffffff", "#111827")],
)
def test_text_on_the_brands_colour_can_be_read(colour: str, text: str) -> None:
    assert f"--brand-text:{text};" in look("default").css(colour)
