"""Embedded Postgres and Redis: they keep what was committed, come back from any end, and say why they don't start."""

import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from platform_core.errors import ServerUnreachable
from platform_dev.postgres import EmbeddedPostgres
from platform_dev.redis import EmbeddedRedis
from platform_dev.servers import check_postgres, check_redis, running_servers


@pytest.fixture(scope="module")
def crash_folder(server_folder: Path) -> Path:
    return server_folder / "crash"


@pytest.fixture
def postgres(crash_folder: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(crash_folder / "postgres") as server:
        yield server


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def show(server: EmbeddedPostgres, setting: str) -> str:
    with psycopg.connect(server.url()) as connection:
        row = connection.execute("SELECT current_setting(%s)", [setting]).fetchone()
    assert row
    return str(row[0])


@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit", "full_page_writes"])
def test_postgres_is_durable(postgres: EmbeddedPostgres, setting: str) -> None:
    assert show(postgres, setting) == "on"


def test_postgres_can_lock_a_thousand_schemas(postgres: EmbeddedPostgres) -> None:
    assert show(postgres, "max_locks_per_transaction") == "512"


def test_postgres_wants_a_password(postgres: EmbeddedPostgres) -> None:
    wrong = postgres.url().replace(postgres.password, "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_the_password_is_for_its_owner_alone(postgres: EmbeddedPostgres) -> None:
    mode = (postgres.folder / "password").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_the_server_never_runs_as_root(postgres: EmbeddedPostgres) -> None:
    assert psutil.Process(postgres.pid).uids().effective != 0


def test_what_was_committed_survives_a_kill(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.url()) as connection:
        connection.execute("CREATE TABLE kept_over_kill AS SELECT 42 AS number")
    postgres.kill()
    postgres.start()
    with psycopg.connect(postgres.url()) as connection:
        assert connection.execute("DELETE FROM kept_over_kill RETURNING number").fetchone() == (42,)
        connection.execute("DROP TABLE kept_over_kill")


def test_a_server_that_comes_back_keeps_its_port(postgres: EmbeddedPostgres) -> None:
    port = postgres.port
    postgres.kill()
    postgres.start()
    assert postgres.port == port


def test_a_port_that_was_lost_meanwhile_is_changed(server_folder: Path) -> None:
    with EmbeddedRedis(server_folder / "moved-redis") as server:
        server.stop()
        with socket.create_server(("127.0.0.1", server.port)) as taker:
            server.start()
            assert server.port != taker.getsockname()[1]
            check_redis(server.url())


def test_a_stale_pid_of_another_program_does_no_harm(postgres: EmbeddedPostgres) -> None:
    postgres.kill()
    stale = postgres.folder / "data" / "postmaster.pid"
    rest = stale.read_text().partition("\n")[2]
    stale.write_text(f"{psutil.Process().pid}\n{rest}")
    postgres.start()
    assert show(postgres, "fsync") == "on"


def test_a_server_left_by_a_killed_run_is_ended_first(postgres: EmbeddedPostgres) -> None:
    left = psutil.Process(postgres.pid)
    assert postgres._lock
    # As the kernel frees it when its holder is killed.
    postgres._lock.close()
    with EmbeddedPostgres(postgres.folder) as successor:
        assert not left.is_running() or left.status() == psutil.STATUS_ZOMBIE
        assert show(successor, "fsync") == "on"


def test_one_folder_serves_one_process(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(ServerUnreachable, match="Another process already runs Postgres"):
        EmbeddedPostgres(postgres.folder).start()
    assert show(postgres, "fsync") == "on"


def test_an_interrupted_first_start_is_made_good(server_folder: Path) -> None:
    folder = server_folder / "interrupted"
    server = EmbeddedPostgres(folder, durable=False)
    (server.folder / "data.unfinished").mkdir()
    (server.folder / "data.unfinished" / "PG_VERSION").write_text("18\n")
    with server:
        assert show(server, "port") == str(server.port)


def test_a_taken_port_is_named(crash_folder: Path, taken_port: int) -> None:
    with pytest.raises(ServerUnreachable, match=f"Port {taken_port} .* Postgres"):
        EmbeddedPostgres(crash_folder / "postgres", taken_port).start()


def test_a_failed_start_shows_the_end_of_the_log(crash_folder: Path, postgres: EmbeddedPostgres) -> None:
    postgres.stop()
    version = postgres.folder / "data" / "PG_VERSION"
    version.write_text("9.6\n")
    try:
        with pytest.raises(ServerUnreachable, match=r"(?s)did not start.*9\.6"):
            EmbeddedPostgres(postgres.folder).start()
    finally:
        version.write_text("18\n")


def test_redis_keeps_its_data_over_a_stop(server_folder: Path) -> None:
    with EmbeddedRedis(server_folder / "kept-redis") as server, redis.Redis.from_url(server.url()) as client:
        client.set("bell", "rung")
    with server, redis.Redis.from_url(server.url()) as client:
        assert client.get("bell") == b"rung"


def test_redis_comes_back_after_a_kill(server_folder: Path) -> None:
    with EmbeddedRedis(server_folder / "killed-redis") as server:
        server.kill()
        server.start()
        check_redis(server.url())


def test_redis_wants_a_password(redis_server: EmbeddedRedis) -> None:
    with pytest.raises(ServerUnreachable, match="does not answer"):
        check_redis(f"redis://127.0.0.1:{redis_server.port}/0")


def test_named_servers_are_used_instead_of_embedded_ones(
    postgres_server: EmbeddedPostgres, redis_server: EmbeddedRedis, tmp_path: Path
) -> None:
    environment = {"DATABASE_URL": postgres_server.url(), "REDIS_URL": redis_server.url()}
    with running_servers(tmp_path, environment) as servers:
        assert servers.environment == environment
        assert servers.embedded == ()


def test_without_names_both_are_embedded_and_end_with_the_block(server_folder: Path) -> None:
    with running_servers(server_folder / "var", {}) as servers:
        check_postgres(servers.database_url)
        check_redis(servers.redis_url)
    with pytest.raises(ServerUnreachable):
        check_postgres(servers.database_url)
    with pytest.raises(ServerUnreachable):
        check_redis(servers.redis_url)


def test_an_unreachable_server_is_named_without_its_password(tmp_path: Path) -> None:
    environment = {"DATABASE_URL": "postgresql://frankpost:hidden@127.0.0.1:1/x", "REDIS_URL": "redis://x"}
    with (
        pytest.raises(ServerUnreachable, match=r"Postgres at 127\.0\.0\.1:1 ") as refusal,
        running_servers(tmp_path, environment),
    ):
        pass
    assert "hidden" not in str(refusal.value)


def test_an_sqlalchemy_url_is_understood(postgres_server: EmbeddedPostgres) -> None:
    check_postgres(postgres_server.url().replace("postgresql://", "postgresql+psycopg://"))


@pytest.mark.parametrize("check", [check_postgres, check_redis])
def test_a_url_that_is_none_is_refused_with_a_sentence(check: object) -> None:
    assert callable(check)
    with pytest.raises(ServerUnreachable, match="does not answer"):
        check("nonsense")
