"""Schemas of resellers whose test is over, emptied and handed on: making one costs more than most tests do."""

import psycopg
from sqlalchemy.orm import Session

from platform_core.database import ResellerRef, schema_of
from tenants.models import Reseller
from tenants.resellers.services import CreatedReseller, NewReseller, create_reseller, furnish

# What is written into the catalogue when a table, column, function or trigger of a schema is made, changed or dropped.
_FINGERPRINT = """
SELECT count(*), max(written::text::bigint) FROM (
    SELECT c.xmin AS written FROM pg_class c WHERE c.relnamespace = to_regnamespace(%(schema)s)
    UNION ALL
    SELECT p.xmin FROM pg_proc p WHERE p.pronamespace = to_regnamespace(%(schema)s)
    UNION ALL
    SELECT a.xmin FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = to_regnamespace(%(schema)s)
    UNION ALL
    SELECT t.xmin FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = to_regnamespace(%(schema)s)
) catalogue
"""

# The reseller's row takes with it all that refers to it. Ledgers don't let go of their rows: as a replica they do.
_VACATE = """
CREATE FUNCTION pg_temp.vacate(p_reseller integer, p_schema text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_table regclass;
BEGIN
    DELETE FROM relay.due WHERE reseller_id = p_reseller;
    DELETE FROM platform.reseller WHERE id = p_reseller;
    DELETE FROM relay.result_log WHERE NOT EXISTS (
        SELECT FROM platform.reseller WHERE id IN (
            SELECT r.reseller_id FROM unnest(results) r UNION ALL SELECT r.reseller_id FROM unnest(strays) r
            UNION ALL SELECT t.reseller_id FROM unnest(tallies) t));
    SET LOCAL session_replication_role = replica;
    FOR v_table IN SELECT oid FROM pg_class WHERE relnamespace = p_schema::regnamespace AND relkind = 'r'
                   AND relname <> 'alembic_version' AND pg_relation_size(oid) > 0 LOOP
        EXECUTE format('DELETE FROM %s', v_table);
    END LOOP;
    PERFORM setval(oid::regclass, 1, false) FROM pg_class WHERE relnamespace = p_schema::regnamespace AND relkind = 'S';
END $$
"""

# Functions of a schema look into it by its name, which they remember.
_RENAME = """
CREATE FUNCTION pg_temp.rename(p_old text, p_new text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_function regprocedure;
BEGIN
    EXECUTE format('ALTER SCHEMA %I RENAME TO %I', p_old, p_new);
    EXECUTE format('ALTER ROLE %I RENAME TO %I', p_old, p_new);
    PERFORM set_config('search_path', format('%I, pg_temp', p_new), true);
    FOR v_function IN SELECT oid FROM pg_proc WHERE pronamespace = p_new::regnamespace AND proconfig IS NOT NULL LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path FROM CURRENT', v_function);
    END LOOP;
END $$
"""

Fingerprint = tuple[int, int]


class Vacancies:
    """Makes resellers, in empty schemas where there are any, and takes their schemas back. `owner`: the database's."""

    def __init__(self, owner: psycopg.Connection[tuple[int, int]]) -> None:
        self._owner = owner
        self._owner.execute("SET lock_timeout = '2s'")
        self._owner.execute(_VACATE)
        self._owner.execute(_RENAME)
        self._free: list[str] = []
        self._taken: dict[ResellerRef, Fingerprint] = {}

    def make(self, session: Session, new: NewReseller) -> CreatedReseller:
        """The reseller is committed, with an id, a key and names that nobody had before."""
        created = self._move_in(session, new) if self._free else create_reseller(session, new, actor="tests")
        session.commit()
        self._taken[created.reseller] = self._fingerprint(schema_of(new.key))
        return created

    def leave(self, reseller: ResellerRef) -> None:
        """Take the schema back, unless it is another than it was, or somebody still holds something in it. Saying so
        twice does no harm.
        """
        schema, fingerprint = schema_of(reseller.key), self._taken.pop(reseller, None)
        if fingerprint is None or self._fingerprint(schema) != fingerprint:
            return
        try:
            self._owner.execute("SELECT pg_temp.vacate(%s, %s)", (reseller.id, schema))
        except psycopg.errors.LockNotAvailable:
            return
        self._free.append(schema)

    def _move_in(self, session: Session, new: NewReseller) -> CreatedReseller:
        self._owner.execute("SELECT pg_temp.rename(%s, %s)", (self._free.pop(0), schema_of(new.key)))
        row = Reseller(key=new.key, name=new.name)
        session.add(row)
        session.flush()
        return furnish(session, row.ref, new, actor="tests")

    def _fingerprint(self, schema: str) -> Fingerprint:
        row = self._owner.execute(_FINGERPRINT, {"schema": schema}).fetchone()
        assert row is not None
        return row
