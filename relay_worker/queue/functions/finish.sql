-- Results of attempts: an end leaves the queue, a deferral goes back into it, and each reseller's rows are told.
-- p_next_at is NULL for an end. An end counts whoever holds the lease now: the remote has spoken. A deferral counts only
-- for the holder, so that a late one does not put back what another is sending; it leaves its event and nothing else.
CREATE OR REPLACE FUNCTION relay.finish(
    p_lease uuid, p_reseller integer[], p_ids uuid[], p_ns smallint[], p_at timestamptz[], p_state text[],
    p_bounce_kind text[], p_code integer[], p_enhanced text[], p_text text[], p_host text[], p_address text[],
    p_tls text[], p_duration integer[], p_next_at timestamptz[]
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_group record;
BEGIN
    DELETE FROM relay.due d USING unnest(p_ids, p_ns, p_next_at) AS u (id, n, next_at)
        WHERE d.message_id = u.id AND d.n = u.n AND u.next_at IS NULL;
    UPDATE relay.due d SET ready = false, lease = NULL, next_at = u.next_at, attempts = d.attempts + 1
        FROM unnest(p_ids, p_ns, p_next_at) AS u (id, n, next_at)
        WHERE d.message_id = u.id AND d.n = u.n AND u.next_at IS NOT NULL AND d.lease = p_lease;
    FOR v_group IN
        SELECT r.key, array_agg(u.id) AS ids, array_agg(u.n) AS ns, array_agg(u.at) AS at, array_agg(u.state) AS state,
               array_agg(u.bounce_kind) AS bounce_kind, array_agg(u.code) AS code, array_agg(u.enhanced) AS enhanced,
               array_agg(u.text) AS text, array_agg(u.host) AS host, array_agg(u.address) AS address,
               array_agg(u.tls) AS tls, array_agg(u.duration) AS duration, array_agg(u.next_at) AS next_at
        FROM unnest(p_reseller, p_ids, p_ns, p_at, p_state, p_bounce_kind, p_code, p_enhanced, p_text, p_host,
                    p_address, p_tls, p_duration, p_next_at)
             AS u (reseller, id, n, at, state, bounce_kind, code, enhanced, text, host, address, tls, duration, next_at)
        JOIN platform.reseller r ON r.id = u.reseller
        GROUP BY r.id, r.key ORDER BY r.id
    LOOP
        -- Four rows of counts for each account and hour, so that workers seldom wait for one another.
        EXECUTE format('SELECT %I.record($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)',
                       'r_' || v_group.key)
            USING (1 + pg_backend_pid() % 4)::smallint, v_group.ids, v_group.ns, v_group.at, v_group.state,
                  v_group.bounce_kind, v_group.code, v_group.enhanced, v_group.text, v_group.host, v_group.address,
                  v_group.tls, v_group.duration, v_group.next_at;
    END LOOP;
END $$;

REVOKE ALL ON FUNCTION relay.finish FROM PUBLIC;
GRANT EXECUTE ON FUNCTION relay.finish TO frankpost_relay;
