-- Making and removing a reseller's schema and role.

-- The schema, role, tables, functions and first partitions of reseller `p_key`; all or nothing with the caller's
-- transaction. Its own SQL comes from platform.tenant_script, which the owner alone can write.
--
-- What is looked up here is looked for among the things of all resellers. So bodies of functions are not checked, for which
-- Postgres lists every function of the same name: an upgrade checks the same bodies in the schemas that are there.
CREATE OR REPLACE FUNCTION platform.create_tenant(p_key text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning SET check_function_bodies = off AS $$
DECLARE
    v_schema text := 'r_' || p_key;
    v_script record;
BEGIN
    IF p_key !~ '^[a-z][a-z0-9_]{0,40}$' THEN
        RAISE EXCEPTION 'not a reseller key: %', p_key USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM 1 FROM platform.reseller WHERE key = p_key;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no reseller has the key %', p_key USING ERRCODE = 'no_data_found';
    END IF;
    EXECUTE format('CREATE ROLE %I NOLOGIN', v_schema);
    EXECUTE format('GRANT %I TO frankpost_web WITH INHERIT FALSE, SET TRUE', v_schema);
    EXECUTE format('CREATE SCHEMA %I', v_schema);
    PERFORM set_config('search_path', format('%I, pg_temp', v_schema), true);
    FOR v_script IN SELECT sql FROM platform.tenant_script ORDER BY position LOOP
        EXECUTE replace(replace(v_script.sql, '{schema}', quote_ident(v_schema)), '{role}', quote_ident(v_schema));
    END LOOP;
    CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
    INSERT INTO alembic_version
        SELECT revision FROM platform.tenant_script WHERE revision IS NOT NULL ORDER BY position DESC LIMIT 1;
    -- Those of later days follow by themselves, within minutes (missing_partitions).
    PERFORM platform.ensure_partitions(v_schema, now(), now() + interval '1 day');
END $$;

-- The reverse: schema and role of reseller `p_key` are gone, with all its mail and credits.
--
-- The queue is cleared before, while workers that hold something of it can still read the schema, and after: dropping waits
-- for whoever is about to put something more there.
CREATE OR REPLACE FUNCTION platform.drop_tenant(p_key text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
DECLARE
    v_schema text := 'r_' || p_key;
    v_reseller integer := (SELECT id FROM platform.reseller WHERE key = p_key);
BEGIN
    PERFORM platform.clear_queue(v_reseller);
    EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', v_schema);
    PERFORM platform.clear_queue(v_reseller);
    EXECUTE format('DROP ROLE IF EXISTS %I', v_schema);
END $$;

CREATE OR REPLACE FUNCTION platform.clear_queue(p_reseller integer) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM relay.due WHERE reseller_id = p_reseller;
    DELETE FROM relay.allotment WHERE reseller_id = p_reseller;
    DELETE FROM relay.pending_work WHERE reseller_id = p_reseller;
$$;

REVOKE ALL ON FUNCTION platform.create_tenant, platform.drop_tenant, platform.clear_queue FROM PUBLIC;
GRANT EXECUTE ON FUNCTION platform.create_tenant TO frankpost_web;
