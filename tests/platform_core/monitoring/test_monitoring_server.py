"""What a process tells its watchers: live is not ready, and figures come in Prometheus' format."""

import json
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection

import pytest

from platform_core.monitoring.checks import postgres_answers, redis_answers
from platform_core.monitoring.pulse import Pulse
from platform_core.monitoring.server import MonitoringServer, Watched, monitored
from platform_core.monitoring.tallies import Spread, Tally
from platform_core.settings import Settings, settings


@contextmanager
def serving(pulse: Pulse | None = None, **checks: bool) -> Iterator[MonitoringServer]:
    watched = Watched(pulse or Pulse(), {name: lambda ok=ok: ok for name, ok in checks.items()})
    with MonitoringServer(watched, "127.0.0.1", 0) as server:
        yield server


def get(server: MonitoringServer, path: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", server.port or 0, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_a_process_that_lacks_a_server_is_alive_and_not_ready() -> None:
    with serving(postgres=False, listening=True) as server:
        assert get(server, "/live")[0] == 200
        status, body = get(server, "/ready")
    assert (status, json.loads(body)) == (503, {"status": "down", "postgres": "down", "listening": "ok"})


def test_a_process_whose_loop_stands_still_is_not_alive() -> None:
    pulse = Pulse(patience=0.0)
    with serving(pulse) as server:
        assert get(server, "/live")[0] == 503
        pulse.beat(60)
        assert get(server, "/live")[0] == 200


def test_figures_are_in_prometheus_format() -> None:
    with serving() as server:
        status, body = get(server, "/metrics?x=1")
    assert status == 200
    assert "process_cpu_seconds_total" in body


def test_nothing_else_is_served() -> None:
    with serving() as server:
        assert get(server, "/")[0] == 404


def test_where_a_port_is_taken_the_next_one_serves() -> None:
    with serving() as first:
        taken = first.port or 0
        with MonitoringServer(Watched(Pulse(), {}), "127.0.0.1", taken) as second:
            assert taken < (second.port or 0) < taken + 10


def test_port_0_in_the_settings_switches_it_off() -> None:
    with monitored(Watched(Pulse(), {}), settings(), 0) as server:
        assert server is None


def test_a_server_that_is_away_does_not_answer(database: Settings) -> None:
    from platform_core.database import relay_url

    assert postgres_answers(relay_url(database))()
    assert not postgres_answers(relay_url(database).set(port=1))()
    assert not redis_answers(
        database.model_copy(update={"redis_url": settings().redis_url.__class__("redis://127.0.0.1:1/0")})
    )()


@pytest.mark.parametrize(("patience", "alive"), [(math.inf, True), (-1.0, False)])
def test_a_pulse_is_felt_for_as_long_as_it_was_promised(patience: float, alive: bool) -> None:
    assert Pulse(patience).alive is alive


def test_a_tally_counts_by_its_labels() -> None:
    tally = Tally("things", "Things.", ["colour", "size"])
    tally.add([("red", "big"), ("red", "big"), ("blue", "")])
    samples = {tuple(one.labels.values()): one.value for one in tally.family().samples}
    assert samples == {("red", "big"): 2, ("blue", ""): 1}


def test_a_spread_puts_values_into_buckets_that_add_up() -> None:
    spread = Spread("seconds", "Seconds.", (1.0, 2.0))
    for value in 0.5, 1.0, 1.5, 9.0:
        spread.add(value)
    samples = {(one.name, one.labels.get("le")): one.value for one in spread.family().samples}
    assert samples == {
        ("seconds_bucket", "1.0"): 2,
        ("seconds_bucket", "2.0"): 3,
        ("seconds_bucket", "+Inf"): 4,
        ("seconds_count", None): 4,
        ("seconds_sum", None): 12.0,
    }


def test_watchers_are_answered_while_the_process_works() -> None:
    with serving(slow=True) as server:
        busy = threading.Thread(target=time.sleep, args=(0.2,))
        busy.start()
        assert get(server, "/live")[0] == 200
        busy.join()
