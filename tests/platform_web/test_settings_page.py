"""The page about the settings is made from the fields, and the committed one is up to date."""

from pathlib import Path

from platform_core.settings import Settings
from platform_web.settings_page import PAGE, documented_settings, settings_page, write_page


def test_the_committed_page_is_up_to_date() -> None:
    assert PAGE.read_text() == settings_page(), "run `frankpost settings document`"


def test_every_field_is_on_the_page_with_a_sentence() -> None:
    assert len(documented_settings()) == len(Settings.model_fields)
    assert all(setting.sentence.endswith(".") for setting in documented_settings())


def test_the_page_names_no_folder_of_this_machine() -> None:
    assert str(Path.cwd()) not in settings_page()


def test_a_page_is_written_only_when_it_changed(tmp_path: Path) -> None:
    assert write_page(tmp_path / "settings.md")
    assert not write_page(tmp_path / "settings.md")
