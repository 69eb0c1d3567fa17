"""Every setting explains itself, and only what nobody can choose for the operator must be set."""

import pytest
from pydantic import SecretStr

from platform_core.settings import Settings

FIELDS = sorted(Settings.model_fields)
# The secret key, and the two servers that hold everything.
NEEDED = {"secret_key", "database_url", "redis_url"}


@pytest.mark.parametrize("name", FIELDS)
def test_a_setting_has_a_sentence(name: str) -> None:
    description = Settings.model_fields[name].description or ""
    assert len(description) > 10, description
    assert description.endswith("."), description


@pytest.mark.parametrize("name", FIELDS)
def test_a_setting_has_a_default_unless_nobody_could_guess_it(name: str) -> None:
    assert Settings.model_fields[name].is_required() == (name in NEEDED)


@pytest.mark.parametrize(
    "name", [name for name in FIELDS if name.endswith(("_key", "_url", "_password", "_token"))]
)
def test_what_may_hold_a_secret_is_never_shown(name: str) -> None:
    annotation = Settings.model_fields[name].annotation
    assert annotation in (SecretStr, SecretStr | None)
