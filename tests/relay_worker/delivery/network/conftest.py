"""Engines whose runs end soon after the mail does."""

import pytest

from relay_worker.delivery import engine as engine_module


@pytest.fixture(autouse=True)
def short_linger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "LINGER_SECONDS", 0.02)
    monkeypatch.setattr(engine_module, "LONGEST_PAUSE", 0.02)
