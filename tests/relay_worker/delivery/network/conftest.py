"""Engines whose runs end soon after the mail does, and worlds for them to work in."""

from collections.abc import Callable, Mapping, Sequence

import pytest

from platform_core.settings import Settings
from relay_worker.delivery import engine as engine_module
from relay_worker.traffic.rules import TrafficRule
from tests.relay_worker.delivery.network.simulation import World
from tests.relay_worker.delivery.network.sites import Site

MakeWorld = Callable[..., World]


@pytest.fixture(autouse=True)
def short_linger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "LINGER_SECONDS", 0.02)
    monkeypatch.setattr(engine_module, "LONGEST_PAUSE", 0.02)


@pytest.fixture
def make_world(make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> MakeWorld:
    """A factory of worlds with the product's own waits, which cost nothing here."""

    def make(
        sites: Mapping[str, Site],
        *,
        hours: float = 72,
        rules: Sequence[TrafficRule] = (),
        workers: int = 1,
        **changes: object,
    ) -> World:
        waits: dict[str, object] = {
            "delivery_connect_seconds": 30,
            "delivery_command_seconds": 300,
            "delivery_final_dot_seconds": 600,
            "delivery_idle_seconds": 5,
        }
        return World(sites, make_settings(**(waits | changes)), monkeypatch, hours, rules, workers)

    return make
