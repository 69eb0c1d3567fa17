-- Making and removing a reseller's schema and role, and the partitions of its mail.

-- The lowest message id (UUID version 7) of an instant: where a partition begins.
CREATE OR REPLACE FUNCTION platform.first_message_id(p_at timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM p_at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- Partitions of every mail table of `p_schema` for the months from p_from to p_until; those that exist stay. Bodies are
-- most of the disk and are kept for days rather than months, so theirs are a quarter of a month each; where a whole month
-- of them exists from before, it stays.
CREATE OR REPLACE FUNCTION platform.ensure_partitions(p_schema text, p_from timestamptz, p_until timestamptz)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
DECLARE
    v_table text;
    v_month timestamptz := date_trunc('month', p_from, 'UTC');
    v_begin timestamptz;
    v_day integer;
BEGIN
    WHILE v_month <= p_until LOOP
        FOREACH v_day IN ARRAY ARRAY[1, 8, 15, 22] LOOP
            EXIT WHEN to_regclass(format('%I.%I', p_schema, 'message_body' || to_char(v_month AT TIME ZONE 'UTC', '_YYYYMM')))
                      IS NOT NULL;
            v_begin := date_add(v_month, make_interval(days => v_day - 1), 'UTC');
            EXECUTE format(
                'CREATE TABLE IF NOT EXISTS %1$I.%2$I PARTITION OF %1$I.message_body FOR VALUES FROM (%3$L) TO (%4$L)
                 WITH (autovacuum_vacuum_threshold = 10000, autovacuum_analyze_threshold = 10000,
                       autovacuum_vacuum_insert_threshold = 100000)',
                p_schema, 'message_body' || to_char(v_begin AT TIME ZONE 'UTC', '_YYYYMMDD'),
                platform.first_message_id(v_begin),
                platform.first_message_id(CASE WHEN v_day = 22 THEN date_add(v_month, '1 month', 'UTC')
                                          ELSE date_add(v_begin, '7 days', 'UTC') END));
        END LOOP;
        FOREACH v_table IN ARRAY ARRAY['message', 'recipient', 'event'] LOOP
            EXECUTE format(
                'CREATE TABLE IF NOT EXISTS %1$I.%2$I PARTITION OF %1$I.%3$I FOR VALUES FROM (%4$L) TO (%5$L)
                 WITH (autovacuum_vacuum_threshold = 10000, autovacuum_analyze_threshold = 10000,
                       autovacuum_vacuum_insert_threshold = 100000%6$s)',
                p_schema, v_table || to_char(v_month AT TIME ZONE 'UTC', '_YYYYMM'), v_table,
                platform.first_message_id(v_month),
                platform.first_message_id(date_add(v_month, '1 month', 'UTC')),
                -- Room on the page for the row's next version: a recipient is updated soon after it is written.
                CASE WHEN v_table = 'recipient' THEN ', fillfactor = 70' ELSE '' END);
        END LOOP;
        v_month := date_add(v_month, '1 month', 'UTC');
    END LOOP;
END $$;

-- The schema, role, tables, functions and first partitions of reseller `p_key`; all or nothing with the caller's
-- transaction. Its own SQL comes from platform.tenant_script, which the owner alone can write.
CREATE OR REPLACE FUNCTION platform.create_tenant(p_key text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
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
    PERFORM platform.ensure_partitions(v_schema, now(), now() + interval '1 month');
END $$;

-- The reverse: schema and role of reseller `p_key` are gone, with all its mail and credits.
CREATE OR REPLACE FUNCTION platform.drop_tenant(p_key text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
DECLARE
    v_schema text := 'r_' || p_key;
BEGIN
    DELETE FROM relay.due d USING platform.reseller r WHERE r.key = p_key AND d.reseller_id = r.id;
    DELETE FROM relay.allotment a USING platform.reseller r WHERE r.key = p_key AND a.reseller_id = r.id;
    DELETE FROM relay.pending_work w USING platform.reseller r WHERE r.key = p_key AND w.reseller_id = r.id;
    EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', v_schema);
    EXECUTE format('DROP ROLE IF EXISTS %I', v_schema);
END $$;

REVOKE ALL ON FUNCTION platform.create_tenant, platform.drop_tenant, platform.ensure_partitions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION platform.create_tenant TO frankpost_web;

-- Partitions for the coming month of reseller p_key; called by the hourly job, for each.
CREATE OR REPLACE FUNCTION platform.keep_partitions(p_key text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    PERFORM FROM platform.reseller WHERE key = p_key;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no reseller has the key %', p_key USING ERRCODE = 'no_data_found';
    END IF;
    PERFORM platform.ensure_partitions('r_' || p_key, now(), now() + interval '1 month');
END $$;
REVOKE ALL ON FUNCTION platform.keep_partitions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION platform.keep_partitions TO frankpost_web;
