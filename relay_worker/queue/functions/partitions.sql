-- The partitions that mail lies in: which there are, and making them. Their end is in retention.sql.

-- The lowest message id (UUID version 7) of an instant: where a partition begins.
CREATE OR REPLACE FUNCTION platform.first_message_id(p_at timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM p_at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- The time that a partition covers, told by its name: a month (_YYYYMM), or a quarter of one (_YYYYMMDD).
CREATE OR REPLACE FUNCTION platform.start_of_partition(p_name text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
    SELECT make_timestamptz(left(d.digits, 4)::integer, substr(d.digits, 5, 2)::integer,
                            coalesce(nullif(substr(d.digits, 7), ''), '1')::integer, 0, 0, 0, 'UTC')
    FROM (SELECT substring(p_name FROM '_(\d{6}(?:\d{2})?)$') AS digits) d
$$;

CREATE OR REPLACE FUNCTION platform.end_of_partition(p_name text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN p_name ~ '_\d{6}(01|08|15)$' THEN date_add(s.start, '7 days', 'UTC')
                ELSE date_add(date_trunc('month', s.start, 'UTC'), '1 month', 'UTC') END
    FROM (SELECT platform.start_of_partition(p_name) AS start) s
$$;

-- The partitions that mail of the time from p_from to p_until goes into, by their table and name. Bodies are most of the
-- disk and are kept for days rather than months, so theirs are a quarter of a month each.
CREATE OR REPLACE FUNCTION platform.partitions_between(p_from timestamptz, p_until timestamptz)
RETURNS TABLE (parent text, name text, since timestamptz)
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
    WITH month AS (
        SELECT to_char(m AT TIME ZONE 'UTC', '_YYYYMM') AS digits
        FROM generate_series(date_trunc('month', p_from, 'UTC'), p_until, '1 month', 'UTC') m
    ), named AS (
        SELECT 'message_body' AS parent, 'message_body' || month.digits || day AS name
            FROM month, unnest(ARRAY['01', '08', '15', '22']) day
        UNION ALL
        SELECT parent, parent || month.digits FROM month, unnest(ARRAY['message', 'recipient', 'event']) parent
    )
    SELECT parent, name, platform.start_of_partition(name) FROM named
    WHERE platform.end_of_partition(name) > p_from AND platform.start_of_partition(name) <= p_until
$$;

-- Make one of them, unless it is there; where a whole month of bodies exists from before, that stays.
--
-- It is made beside the table and then attached, which keeps nobody waiting who reads or writes mail; CREATE TABLE …
-- PARTITION OF would. Whoever else makes a partition of this table waits for the lock, and then finds this one.
CREATE OR REPLACE FUNCTION platform.add_partition(p_schema text, p_parent text, p_name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('LOCK TABLE ONLY %I.%I IN SHARE UPDATE EXCLUSIVE MODE', p_schema, p_parent);
    IF num_nonnulls(to_regclass(format('%I.%I', p_schema, p_name)),
                    to_regclass(format('%I.%I', p_schema, left(p_name, length(p_parent || '_YYYYMM'))))) > 0 THEN
        RETURN;
    END IF;
    EXECUTE format(
        'CREATE TABLE %1$I.%2$I (LIKE %1$I.%3$I INCLUDING ALL EXCLUDING INDEXES)
         WITH (autovacuum_vacuum_threshold = 10000, autovacuum_analyze_threshold = 10000,
               autovacuum_vacuum_insert_threshold = 100000%4$s)',
        p_schema, p_name, p_parent,
        -- Room on the page for the row's next version: a recipient is updated soon after it is written.
        CASE WHEN p_parent = 'recipient' THEN ', fillfactor = 70' ELSE '' END);
    EXECUTE format(
        'ALTER TABLE %1$I.%2$I ATTACH PARTITION %1$I.%3$I FOR VALUES FROM (%4$L) TO (%5$L)',
        p_schema, p_parent, p_name,
        platform.first_message_id(platform.start_of_partition(p_name)),
        platform.first_message_id(platform.end_of_partition(p_name)));
END $$;

-- All that mail of the time from p_from to p_until needs in p_schema. Postgres reads the whole of pg_constraint for each
-- partition, those of every reseller, whatever way it is made: so no more of them are asked for than are needed at once.
CREATE OR REPLACE FUNCTION platform.ensure_partitions(p_schema text, p_from timestamptz, p_until timestamptz)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM platform.add_partition(p_schema, p.parent, p.name)
        FROM platform.partitions_between(p_from, p_until) p;
END $$;

-- What every reseller needs for the coming month and has not got yet: first what is needed first, else in any order, so
-- that one who can't be given any stands in nobody's way.
CREATE OR REPLACE FUNCTION platform.missing_partitions() RETURNS TABLE (key text, name text, since timestamptz)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH wanted AS MATERIALIZED (
        SELECT w.name, w.since, left(w.name, length(w.parent || '_YYYYMM')) AS whole_month
        FROM platform.partitions_between(now(), now() + interval '1 month') w
    ), present AS MATERIALIZED (
        SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname = ANY (ARRAY(SELECT w.name FROM wanted w UNION SELECT w.whole_month FROM wanted w))
    )
    SELECT r.key, w.name, w.since
    FROM platform.reseller r CROSS JOIN wanted w
    WHERE NOT EXISTS (SELECT FROM present p WHERE p.nspname = 'r_' || r.key AND p.relname = w.name)
      AND NOT EXISTS (SELECT FROM present p WHERE p.nspname = 'r_' || r.key AND p.relname = w.whole_month)
    ORDER BY w.since, random()
$$;

-- Make one that is missing. A table that is too busy is left for another time.
CREATE OR REPLACE FUNCTION platform.make_partition(p_key text, p_name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_parent text;
BEGIN
    PERFORM 1 FROM platform.reseller WHERE key = p_key;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no reseller has the key %', p_key USING ERRCODE = 'no_data_found';
    END IF;
    SELECT p.parent INTO v_parent
        FROM platform.partitions_between(now(), now() + interval '1 month') p WHERE p.name = p_name;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is no partition of the coming month', p_name USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM platform.add_partition('r_' || p_key, v_parent, p_name);
END $$;

REVOKE ALL ON FUNCTION platform.start_of_partition, platform.end_of_partition, platform.partitions_between,
    platform.add_partition, platform.ensure_partitions, platform.missing_partitions, platform.make_partition FROM PUBLIC;
GRANT EXECUTE ON FUNCTION platform.missing_partitions, platform.make_partition TO frankpost_web;
