"""Proof that the database itself keeps resellers apart, whatever SQL is sent, at whatever moment connections die."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event, Thread

import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from platform_core.cursor import StatementRefused, open_door
from platform_core.database import ResellerRef, db, owner_url, relay_url, schema_of, tenant_session
from platform_core.security import SecretVerifier
from platform_core.settings import Settings, settings
from platform_web.headless import create_headless_app
from tenants.accounts.queries import main_account
from tenants.models import Account, SmtpAccount
from tenants.resellers.services import CreatedReseller
from tenants.smtp_accounts.services import create_smtp_account, delete_smtp_account
from tests.fixtures_database import fresh_reseller

MakeReseller = Callable[..., CreatedReseller]

# {b} is the other reseller's schema and role. Each is sent inside the first reseller's session.
ATTACKS = {
    "reading a table by its full name": 'SELECT * FROM "{b}".account',
    "joining it": 'SELECT * FROM account a JOIN "{b}".account b ON true',
    "writing": 'UPDATE "{b}".account SET name = name',
    "deleting": 'DELETE FROM "{b}".suppression',
    "explaining with a run": 'EXPLAIN ANALYZE SELECT * FROM "{b}".account',
    "copying": 'COPY "{b}".account TO STDOUT',
    "emptying": 'TRUNCATE "{b}".account CASCADE',
    "locking": 'LOCK TABLE "{b}".account',
    "calling a function of the schema": 'SELECT "{b}".route_details(1)',
    "a second statement that changes the role": 'SELECT 1; SET ROLE "{b}"; SELECT * FROM "{b}".account',
    "a second statement that gives up the role": 'SELECT 1; RESET ROLE; SET ROLE "{b}"; SELECT * FROM "{b}".account',
    "a second statement after the end of the transaction": "SELECT 1; COMMIT; SELECT password_hash FROM platform.staff",
    "set_config of the role": "SELECT set_config('role', '{b}', true)",
    "set_config of the search path": "SELECT set_config('search_path', '{b}', true)",
    "set_config through pg_settings": "UPDATE pg_settings SET setting = '{b}' WHERE name = 'role'",
    "a DO block": "DO $$ BEGIN EXECUTE 'SET ROLE \"{b}\"'; END $$",
    "a temporary function with a role in its head": "CREATE FUNCTION pg_temp.f() RETURNS bigint LANGUAGE sql SET role = '{b}' AS 'SELECT 1::bigint'",
    "a temporary table": "CREATE TEMPORARY TABLE account (id bigint)",
    "a function in the own schema": "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
    "a view in the own schema": 'CREATE VIEW v AS SELECT * FROM "{b}".account',
    "a trigger on the own table": "CREATE TRIGGER t AFTER INSERT ON smtp_account EXECUTE FUNCTION platform.keep_smtp_route()",
    "a schema": "CREATE SCHEMA other",
    "SQL in a string, reading": "SELECT query_to_xml('SELECT * FROM \"{b}\".account', true, false, '')",
    "SQL in a string, setting": "SELECT query_to_xml('SET ROLE \"{b}\"', true, false, '')",
    "SQL in a string of text search": "SELECT * FROM ts_stat('SELECT to_tsvector(name) FROM \"{b}\".account')",
    "another session's user": "SET SESSION AUTHORIZATION frankpost",
    "becoming the owner": "SET ROLE frankpost_owner",
    "becoming the relay": "SET ROLE frankpost_relay",
    "granting oneself the role": 'GRANT "{b}" TO CURRENT_USER',
    "another's settings": "ALTER ROLE \"{b}\" SET search_path = 'public'",
    "the password hashes of staff": "SELECT password_hash FROM platform.staff",
    "the resellers": "SELECT * FROM platform.reseller",
    "the keys of certificates": "SELECT sealed_key FROM platform.hostname",
    "the relay's routes": "SELECT * FROM platform.smtp_route",
    "the queue": "SELECT * FROM relay.due",
    "the relay's functions": "SELECT relay.body(1, gen_random_uuid())",
    "making a reseller": "SELECT platform.create_tenant('x')",
    "files of the server": "SELECT pg_read_file('postgresql.conf')",
    "programs of the server": "COPY (SELECT 1) TO PROGRAM 'true'",
    "the roles' passwords": "SELECT * FROM pg_authid",
    "ending another's connection": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'frankpost_web'",
}  # fmt: skip

LEDGER = {
    "taking a ledger entry back": "DELETE FROM credit_entry",
    "changing a ledger entry": "UPDATE credit_entry SET credits = 1",
    "enlarging a lot": "UPDATE credit_lot SET credits = credits + 1",
    "forging mail": "INSERT INTO message_body VALUES (gen_random_uuid(), '')",
    "changing what was accepted": "UPDATE account_month SET accepted = 0",
}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two resellers: `a` asks, `b` is to be left alone."""

    a: ResellerRef
    b: ResellerRef


@pytest.fixture(scope="module")
def two_resellers(headless_app: Flask) -> Pair:
    with headless_app.app_context():
        return Pair(fresh_reseller("A").reseller, fresh_reseller("B").reseller)


@pytest.fixture
def pair(two_resellers: Pair, app: Flask) -> Pair:
    """The same two for all tests here: what they try is refused, or adds a login."""
    return two_resellers


@pytest.fixture
def owner(database: Settings) -> Iterator[Engine]:
    engine = create_engine(owner_url(database), isolation_level="AUTOCOMMIT")
    yield engine
    engine.dispose()


def who_comes_next() -> tuple[str, str]:
    """Role and search path of whoever gets the connection next without choosing a reseller."""
    with db.engine.connect() as connection:
        row = connection.execute(text("SELECT current_user, current_setting('search_path')")).one()
        return row[0], row[1]


THREADS = 50
VISITS = 12  # of each thread

NOBODY = ("frankpost_web", '"$user", public')


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_the_database_refuses(pair: Pair, attack: str) -> None:
    statement = attack.replace("{b}", schema_of(pair.b.key))
    # Past the guard in our own cursor: what is proven here is Postgres' refusal.
    with tenant_session(pair.a) as session, open_door(), pytest.raises(DBAPIError) as refused:
        session.connection().exec_driver_sql(statement)
    assert "denied" in str(refused.value.orig) or getattr(refused.value.orig, "sqlstate", "") in {
        "42601",  # several commands in one statement
        "0A000",  # SET in a function that may not write
    }
    assert who_comes_next() == NOBODY


@pytest.mark.parametrize("attack", LEDGER.values(), ids=LEDGER)
def test_a_reseller_cannot_forge_what_acceptance_wrote(pair: Pair, attack: str) -> None:
    with tenant_session(pair.a) as session, pytest.raises(ProgrammingError, match="denied"):
        session.execute(text(attack))


def test_another_search_path_finds_nothing(pair: Pair) -> None:
    with tenant_session(pair.a) as session:
        with open_door():
            session.execute(text(f'SET search_path = "{schema_of(pair.b.key)}"'))
        with pytest.raises(ProgrammingError, match='relation "account" does not exist'):
            session.execute(text("SELECT * FROM account"))
    assert who_comes_next() == NOBODY


def test_statements_of_others_are_not_to_be_read(pair: Pair) -> None:
    with db.engine.connect() as other, tenant_session(pair.a) as session:
        other.execute(text("SELECT 'a secret of another session'"))
        seen = session.scalars(text("SELECT query FROM pg_stat_activity WHERE pid <> pg_backend_pid()")).all()
        assert not any("a secret of another session" in (query or "") for query in seen)


def test_statistics_of_anothers_columns_are_not_to_be_read(pair: Pair, owner: Engine) -> None:
    schema = schema_of(pair.b.key)
    with owner.connect() as connection:
        connection.execute(text(f'ANALYZE "{schema}".account'))
    question = text("SELECT count(*) FROM pg_stats WHERE schemaname = :schema")
    with owner.connect() as connection:
        assert connection.scalar(question, {"schema": schema})
    with tenant_session(pair.a) as session:
        assert session.scalar(question, {"schema": schema}) == 0


def test_with_no_reseller_chosen_there_is_no_table(pair: Pair) -> None:
    with db.engine.connect() as connection, pytest.raises(ProgrammingError, match="does not exist"):
        connection.execute(select(Account))


@pytest.mark.parametrize(
    "statement",
    [
        'SET ROLE "{b}"',
        'SET LOCAL ROLE "{b}"',
        "RESET ROLE",
        "RESET ALL",
        "DISCARD ALL",
        "set session authorization default",
        'SET search_path = "{b}"',
        '/* SELECT */ SET ROLE "{b}"',
        '/* /* */ */ SET ROLE "{b}"',
        '-- SELECT\n SET ROLE "{b}"',
        ';; SET ROLE "{b}"',
    ],
)
def test_a_statement_that_changes_the_session_is_never_sent(pair: Pair, statement: str) -> None:
    with tenant_session(pair.a) as session:
        before = session.execute(text("SELECT current_user")).scalar_one()
        with pytest.raises(StatementRefused):
            session.connection().exec_driver_sql(statement.replace("{b}", schema_of(pair.b.key)))
        assert session.execute(text("SELECT current_user")).scalar_one() == before
    assert who_comes_next() == NOBODY


def test_with_no_reseller_chosen_every_schema_is_closed(pair: Pair) -> None:
    with db.engine.connect() as connection:
        visible = connection.scalars(
            text("SELECT table_schema FROM information_schema.tables WHERE table_schema LIKE 'r\\_%'")
        ).all()
        assert visible == []
        with pytest.raises(ProgrammingError, match="denied"):
            connection.execute(text(f'SELECT * FROM "{schema_of(pair.a.key)}".account'))


@pytest.mark.parametrize(
    "statement",
    [
        'SELECT * FROM "{a}".account',
        'SET ROLE "{a}"',
        "SET ROLE frankpost_web",
        "SELECT * FROM platform.reseller",
        "SELECT * FROM platform.smtp_route",
        "SELECT * FROM relay.due",
        "SELECT platform.create_tenant('x')",
        "SELECT platform.drop_tenant('x')",
        'SELECT "{a}".route_details(1)',
        "CREATE TEMPORARY TABLE x (a int)",
    ],
)
def test_the_relay_gets_in_through_its_functions_only(database: Settings, pair: Pair, statement: str) -> None:
    engine = create_engine(relay_url(database))
    with engine.connect() as connection, pytest.raises(ProgrammingError, match="denied"):
        connection.exec_driver_sql(statement.replace("{a}", schema_of(pair.a.key)))
    engine.dispose()


@pytest.fixture
def login_of_b(pair: Pair) -> str:
    """The user name of an SMTP account of the other reseller."""
    with tenant_session(pair.b) as session:
        issued = create_smtp_account(
            session, main_account(session).id, "B", verifier=SecretVerifier("x" * 32)
        )
        session.commit()
        return issued.smtp_account.user_name


def route_of(owner: Engine, user_name: str) -> tuple[int, bytes]:
    with owner.connect() as connection:
        query = text("SELECT reseller_id, verifier FROM platform.smtp_route WHERE user_name = :name")
        row = connection.execute(query, {"name": user_name}).one()
        return row[0], row[1]


def own_login(pair: Pair) -> SmtpAccount:
    with tenant_session(pair.a) as session:
        issued = create_smtp_account(
            session, main_account(session).id, "A", verifier=SecretVerifier("y" * 32)
        )
        session.commit()
        return issued.smtp_account


def test_a_login_cannot_take_the_name_of_anothers(pair: Pair, owner: Engine, login_of_b: str) -> None:
    before = route_of(owner, login_of_b)
    own = own_login(pair)
    with tenant_session(pair.a) as session, pytest.raises(IntegrityError):
        session.execute(
            text("UPDATE smtp_account SET user_name = :name WHERE id = :id"),
            {"name": login_of_b, "id": own.id},
        )
    assert route_of(owner, login_of_b) == before


def test_a_new_login_cannot_take_over_anothers_route(pair: Pair, owner: Engine, login_of_b: str) -> None:
    before = route_of(owner, login_of_b)
    with tenant_session(pair.a) as session, pytest.raises(IntegrityError):
        session.add(
            SmtpAccount(account_id=main_account(session).id, name="x", user_name=login_of_b, verifier=b"mine")
        )
        session.flush()
    assert route_of(owner, login_of_b) == before


def test_removing_every_login_leaves_anothers_route(pair: Pair, owner: Engine, login_of_b: str) -> None:
    own = own_login(pair)
    with tenant_session(pair.a) as session:
        delete_smtp_account(session, session.merge(own))
        session.commit()
    assert route_of(owner, login_of_b)[0] == pair.b.id


def test_a_route_always_names_the_reseller_whose_table_it_comes_from(pair: Pair, owner: Engine) -> None:
    assert route_of(owner, own_login(pair).user_name)[0] == pair.a.id


def test_one_connection_serves_two_resellers_with_the_same_statement(pair: Pair, app: Flask) -> None:
    # Often enough for the driver to have prepared the statement on the server (after five times).
    with db.engine.connect():
        for _ in range(10):
            for reseller, name in ((pair.a, "A"), (pair.b, "B")):
                with tenant_session(reseller) as session:
                    assert session.scalars(select(Account.name)).all() == [name]
    assert who_comes_next() == NOBODY


def test_after_a_savepoint_that_failed_the_session_is_still_inside(pair: Pair) -> None:
    with tenant_session(pair.a) as session:
        with pytest.raises(ProgrammingError), session.begin_nested():
            session.execute(text("SELECT * FROM nothing"))
        assert session.scalar(text("SELECT current_user")) == schema_of(pair.a.key)
        session.commit()
        assert session.scalars(select(Account.name)).all() == ["A"]


class Crowd:
    """Fifty threads that alternate resellers on a small pool, and note everything that is not their own."""

    def __init__(self, app: Flask, resellers: list[ResellerRef]) -> None:
        self.app = app
        self.resellers = resellers
        self.counts: Counter[str] = Counter()

    def visit(self, seed: int) -> None:
        choose = random.Random(seed)
        with self.app.app_context():
            for _ in range(VISITS):
                reseller = choose.choice(self.resellers)
                try:
                    self._look(reseller, commit=choose.random() < 0.5)
                except DBAPIError as error:
                    if not error.connection_invalidated:
                        raise
                    self.counts["cut off"] += 1

    def _look(self, reseller: ResellerRef, *, commit: bool) -> None:
        with tenant_session(reseller) as session:
            role = session.scalar(text("SELECT current_user"))
            main_account(session).time_zone = choose_zone(reseller)
            session.flush()
            names = session.scalars(select(Account.name)).all()
            own = role == schema_of(reseller.key) and names == [reseller.key]
            self.counts["own" if own else "foreign"] += 1
            if commit:
                session.commit()
        with db.engine.connect() as connection:
            row = connection.execute(text("SELECT current_user, current_setting('search_path')")).one()
            self.counts["clean" if (row[0], row[1]) == NOBODY else "leaked"] += 1


def choose_zone(reseller: ResellerRef) -> str:
    """A value that tells whose row it was written to."""
    return "Europe/Vienna" if reseller.id % 2 else "Europe/Paris"


def end_connections(owner: Engine, stop: Event) -> None:
    """Keep killing one of web's connections, in the middle of whatever it does."""
    kill = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE usename = 'frankpost_web' AND datname = current_database() ORDER BY random() LIMIT 1"
    )
    with owner.connect() as connection:
        while not stop.wait(0.02):
            connection.execute(kill)


def run_crowd(crowd: Crowd) -> None:
    with ThreadPoolExecutor(THREADS) as threads:
        for visit in [threads.submit(crowd.visit, seed) for seed in range(THREADS)]:
            visit.result()


@pytest.fixture
def crowd(database: Settings, make_reseller: MakeReseller) -> Iterator[Crowd]:
    resellers = []
    for _ in range(4):
        reseller = make_reseller().reseller
        with tenant_session(reseller) as session:
            main_account(session).name = reseller.key
            session.commit()
        resellers.append(reseller)
    app = create_headless_app(settings())
    yield Crowd(app, resellers)
    with app.app_context():
        db.engine.dispose()


def test_fifty_threads_on_a_small_pool_see_their_own_rows_only(crowd: Crowd) -> None:
    run_crowd(crowd)
    assert crowd.counts == {"own": THREADS * VISITS, "clean": THREADS * VISITS}


def test_connections_killed_in_the_middle_leak_nothing(crowd: Crowd, owner: Engine) -> None:
    stop = Event()
    killer = Thread(target=end_connections, args=(owner, stop))
    killer.start()
    try:
        run_crowd(crowd)
    finally:
        stop.set()
        killer.join()
    assert crowd.counts["cut off"] > 0
    assert crowd.counts["own"] > THREADS * VISITS / 2
    assert crowd.counts["foreign"] == crowd.counts["leaked"] == 0
    for reseller in crowd.resellers:
        with tenant_session(reseller) as session:
            assert main_account(session).time_zone in ("UTC", choose_zone(reseller))
