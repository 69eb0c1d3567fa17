-- Results of attempts: an end leaves the queue, a deferral goes back into it, and each reseller's rows are told.
-- next_at is NULL for an end. An end counts whoever holds the lease now: the remote has spoken. A deferral counts only
-- for the holder, so that a late one does not put back what another is sending; it leaves its event and nothing else.
CREATE OR REPLACE FUNCTION relay.finish(p_lease uuid, p_results relay.result[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    v_group record;
    -- Four rows of counts for each account and hour, so that workers seldom wait for one another.
    v_slot CONSTANT smallint := 1 + pg_backend_pid() % 4;
BEGIN
    PERFORM relay.settle_due(p_lease, p_results);
    FOR v_group IN
        SELECT p.key, g.results
        FROM (SELECT r.reseller_id, array_agg(r ORDER BY r.message_id, r.n) AS results
              FROM unnest(p_results) r GROUP BY r.reseller_id) g
        JOIN platform.reseller p ON p.id = g.reseller_id
        ORDER BY g.reseller_id
    LOOP
        EXECUTE format('SELECT %I.record($1, $2)', 'r_' || v_group.key) USING v_slot, v_group.results;
    END LOOP;
END $$;

-- What results mean for the queue.
CREATE OR REPLACE FUNCTION relay.settle_due(p_lease uuid, p_results relay.result[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM relay.due d USING unnest(p_results) r
        WHERE d.message_id = r.message_id AND d.n = r.n AND r.next_at IS NULL;
    UPDATE relay.due d SET ready = false, lease = NULL, next_at = r.next_at, attempts = d.attempts + 1
        FROM unnest(p_results) r
        WHERE d.message_id = r.message_id AND d.n = r.n AND r.next_at IS NOT NULL AND d.lease = p_lease;
END $$;

-- Results of one reseller whose rows can't be written (its schema is broken, or locked for long): the queue is settled,
-- so that nothing is sent again, and the results are kept until they can be recorded.
CREATE OR REPLACE FUNCTION relay.set_aside(p_lease uuid, p_results relay.result[], p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM relay.settle_due(p_lease, p_results);
    INSERT INTO relay.unrecorded (reseller_id, results, reason) VALUES (p_results[1].reseller_id, p_results, p_reason);
END $$;

-- Record what was set aside, oldest first; what still can't be recorded stays. Says how much there is left.
CREATE OR REPLACE FUNCTION relay.record_again(p_limit integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_kept record;
BEGIN
    FOR v_kept IN
        SELECT u.id, u.results, r.key
        FROM relay.unrecorded u JOIN platform.reseller r ON r.id = u.reseller_id
        ORDER BY u.id LIMIT p_limit FOR UPDATE OF u SKIP LOCKED
    LOOP
        BEGIN
            EXECUTE format('SELECT %I.record($1, $2)', 'r_' || v_kept.key) USING 1::smallint, v_kept.results;
            DELETE FROM relay.unrecorded WHERE id = v_kept.id;
        EXCEPTION WHEN OTHERS THEN
            UPDATE relay.unrecorded SET reason = SQLERRM WHERE id = v_kept.id;
        END;
    END LOOP;
    RETURN (SELECT count(*) FROM relay.unrecorded);
END $$;

REVOKE ALL ON FUNCTION relay.finish, relay.settle_due, relay.set_aside, relay.record_again FROM PUBLIC;
GRANT EXECUTE ON FUNCTION relay.finish, relay.set_aside TO frankpost_relay;
GRANT EXECUTE ON FUNCTION relay.record_again TO frankpost_web;
