"""Passwords that people choose: hashed as is recommended, and readable after the settings change."""

from collections.abc import Iterator

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type

from platform_core.security import hash_password, password_matches
from platform_core.settings import settings


@pytest.fixture
def as_in_production(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("FRANKPOST_PASSWORD_MEMORY_KIB")
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.mark.usefixtures("as_in_production")
def test_a_password_is_hashed_by_argon2id_as_rfc_9106_recommends() -> None:
    """Its second choice (section 4), for machines without much memory: 64 MiB, three passes."""
    made = extract_parameters(hash_password("correct-horse"))
    assert (made.type, made.memory_cost, made.time_cost, made.parallelism) == (Type.ID, 64 * 1024, 3, 4)


def test_a_password_matches_its_own_hash_alone() -> None:
    made = hash_password("correct-horse")
    assert password_matches("correct-horse", made)
    assert not password_matches("correct-house", made)
    assert not password_matches("correct-horse", "no hash at all")


def test_a_hash_stays_good_when_the_settings_change(
    monkeypatch: pytest.MonkeyPatch, as_in_production: None
) -> None:
    made = hash_password("correct-horse")
    monkeypatch.setenv("FRANKPOST_PASSWORD_MEMORY_KIB", "1024")
    settings.cache_clear()
    assert extract_parameters(hash_password("correct-horse")).memory_cost == 1024
    assert password_matches("correct-horse", made)
