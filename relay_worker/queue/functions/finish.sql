-- Results of attempts: an end leaves the queue, a deferral goes back into it, and each reseller's rows are told.
-- next_at is NULL for an end. An end counts whoever holds the lease now: the remote has spoken. A deferral counts only
-- for the holder, so that a late one does not put back what another is sending; it leaves its event and nothing else.
CREATE OR REPLACE FUNCTION relay.finish(p_lease uuid, p_results relay.result[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_group record;
    -- Four rows of counts for each account and hour, so that workers seldom wait for one another.
    v_slot CONSTANT smallint := 1 + pg_backend_pid() % 4;
BEGIN
    DELETE FROM relay.due d USING unnest(p_results) r
        WHERE d.message_id = r.message_id AND d.n = r.n AND r.next_at IS NULL;
    UPDATE relay.due d SET ready = false, lease = NULL, next_at = r.next_at, attempts = d.attempts + 1
        FROM unnest(p_results) r
        WHERE d.message_id = r.message_id AND d.n = r.n AND r.next_at IS NOT NULL AND d.lease = p_lease;
    FOR v_group IN
        SELECT p.key, g.results
        FROM (SELECT r.reseller_id, array_agg(r ORDER BY r.message_id, r.n) AS results FROM unnest(p_results) r GROUP BY r.reseller_id) g
        JOIN platform.reseller p ON p.id = g.reseller_id
        ORDER BY g.reseller_id
    LOOP
        EXECUTE format('SELECT %I.record($1, $2)', 'r_' || v_group.key) USING v_slot, v_group.results;
    END LOOP;
END $$;

REVOKE ALL ON FUNCTION relay.finish FROM PUBLIC;
GRANT EXECUTE ON FUNCTION relay.finish TO frankpost_relay;
