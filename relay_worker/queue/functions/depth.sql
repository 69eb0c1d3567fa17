-- What waits for each reseller, and since when; shown on the platform's console.
CREATE OR REPLACE FUNCTION relay.depth() RETURNS TABLE (reseller_id integer, recipients bigint, oldest_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT d.reseller_id, count(*), min(d.accepted_at) FROM relay.due d GROUP BY d.reseller_id
$$;
REVOKE ALL ON FUNCTION relay.depth FROM PUBLIC;
GRANT EXECUTE ON FUNCTION relay.depth TO frankpost_web;
