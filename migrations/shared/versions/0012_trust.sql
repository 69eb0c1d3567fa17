-- Results tell what has vouched for the mail server.

-- A type that columns are made of can't grow, so what they hold waits as text; it loses nothing by that.
ALTER TABLE relay.result_log
    ALTER COLUMN results TYPE text[] USING results::text[],
    ALTER COLUMN strays TYPE text[] USING strays::text[];
ALTER TABLE relay.unrecorded
    ALTER COLUMN results TYPE text[] USING results::text[],
    ALTER COLUMN strays TYPE text[] USING strays::text[];

ALTER TYPE relay.result ADD ATTRIBUTE tls_trust text;  -- see platform_core.mail.tls; '' in clear

CREATE FUNCTION relay.grown(p_results text[]) RETURNS relay.result[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(array_agg((left(u.result, -1) || ',)')::relay.result ORDER BY u.place), '{}')
    FROM unnest(p_results) WITH ORDINALITY AS u (result, place)
$$;
ALTER TABLE relay.result_log
    ALTER COLUMN results TYPE relay.result[] USING relay.grown(results),
    ALTER COLUMN strays TYPE relay.result[] USING relay.grown(strays);
ALTER TABLE relay.unrecorded
    ALTER COLUMN results TYPE relay.result[] USING relay.grown(results),
    ALTER COLUMN strays TYPE relay.result[] USING relay.grown(strays);
DROP FUNCTION relay.grown;
