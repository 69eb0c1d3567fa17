-- Results of attempts. The queue is settled at once and the results are logged, in one transaction that no reseller's
-- schema takes part in; relay.post tells each reseller's rows a moment later, many results at a time. With hundreds of
-- resellers that is what keeps a result cheap: alone, each would cost as much as ten together.
--
-- next_at is NULL for an end. An end counts whoever holds the lease now: the remote has spoken. A deferral counts only
-- for the holder, so that a late one (a stray) does not put back what another is sending; it leaves its event and
-- nothing else.
CREATE OR REPLACE FUNCTION relay.finish(p_lease uuid, p_results relay.result[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    WITH ended AS (
        DELETE FROM relay.due d USING unnest(p_results) r
        WHERE d.message_id = r.message_id AND d.n = r.n AND r.next_at IS NULL
    ), put_back AS (
        UPDATE relay.due d SET ready = false, lease = NULL, next_at = r.next_at, attempts = d.attempts + 1
        FROM unnest(p_results) r
        WHERE d.message_id = r.message_id AND d.n = r.n AND r.next_at IS NOT NULL AND d.lease = p_lease
        RETURNING d.message_id, d.n
    ), judged AS (
        SELECT r, r.next_at IS NULL OR EXISTS (
            SELECT FROM put_back p WHERE p.message_id = r.message_id AND p.n = r.n) AS counts
        FROM unnest(p_results) r
    )
    INSERT INTO relay.result_log (results, strays, tallies)
    SELECT coalesce(array_agg(r::relay.result) FILTER (WHERE counts), '{}'),
           coalesce(array_agg(r::relay.result) FILTER (WHERE NOT counts), '{}'), '{}'
    FROM judged;
END $$;

-- Tell the resellers' rows what was logged (results, and counts of what was accepted), oldest first, up to p_limit entries
-- of the log, once the oldest of them is p_older old; says how many it took. Several may post at once. What a reseller's
-- schema can't take (it is broken, or locked for long) fails the whole call, unless p_apart: then each reseller is tried
-- for itself, and what one can't take is set aside.
CREATE OR REPLACE FUNCTION relay.post(p_limit integer, p_older interval, p_apart boolean) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    v_group record;
    v_taken integer := 0;
BEGIN
    IF NOT EXISTS (SELECT FROM relay.result_log WHERE logged_at <= now() - p_older) THEN
        RETURN 0;
    END IF;
    FOR v_group IN
        WITH taken AS (
            DELETE FROM relay.result_log WHERE id IN (
                SELECT l.id FROM relay.result_log l ORDER BY l.id LIMIT p_limit FOR UPDATE SKIP LOCKED)
            RETURNING results, strays, tallies
        ), every AS (
            SELECT r.reseller_id, r::relay.result AS result, false AS stray, NULL::relay.hour_counts AS counts
                FROM taken CROSS JOIN unnest(taken.results) r
            UNION ALL
            SELECT r.reseller_id, r::relay.result, true, NULL FROM taken CROSS JOIN unnest(taken.strays) r
            UNION ALL
            SELECT t.reseller_id, NULL, NULL, (t.account_id, t.hour, 0, 0, 0, 0, 0, t.accepted, t.dropped)::relay.hour_counts
                FROM taken CROSS JOIN unnest(taken.tallies) t
        )
        SELECT p.id, p.key, (SELECT count(*) FROM taken) AS taken,
               coalesce(array_agg(e.result ORDER BY (e.result).message_id, (e.result).n, (e.result).at)
                        FILTER (WHERE NOT e.stray), '{}') AS results,
               coalesce(array_agg(e.result) FILTER (WHERE e.stray), '{}') AS strays,
               coalesce(array_agg(e.counts) FILTER (WHERE e.stray IS NULL), '{}') AS counts
        FROM every e JOIN platform.reseller p ON p.id = e.reseller_id
        GROUP BY p.id ORDER BY p.id
    LOOP
        v_taken := v_group.taken;
        IF p_apart THEN
            PERFORM relay.record_or_set_aside(v_group.id, v_group.key, v_group.results, v_group.strays, v_group.counts);
        ELSE
            PERFORM relay.record(v_group.key, v_group.results, v_group.strays, v_group.counts);
        END IF;
    END LOOP;
    RETURN v_taken;
END $$;

-- Four rows of counts for each account and hour, so that those who post seldom wait for one another.
CREATE OR REPLACE FUNCTION relay.record(
    p_key text, p_results relay.result[], p_strays relay.result[], p_counts relay.hour_counts[]
) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('SELECT %I.record($1, $2, $3, $4)', 'r_' || p_key)
        USING (1 + pg_backend_pid() % 4)::smallint, p_results, p_strays, p_counts;
END $$;

CREATE OR REPLACE FUNCTION relay.record_or_set_aside(
    p_reseller integer, p_key text, p_results relay.result[], p_strays relay.result[], p_counts relay.hour_counts[]
) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM relay.record(p_key, p_results, p_strays, p_counts);
EXCEPTION WHEN OTHERS THEN
    INSERT INTO relay.unrecorded (reseller_id, results, strays, counts, reason)
        VALUES (p_reseller, p_results, p_strays, p_counts, SQLERRM);
END $$;

-- Record what was set aside, oldest first; what still can't be recorded stays. Says how much there is left.
CREATE OR REPLACE FUNCTION relay.record_again(p_limit integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_kept record;
BEGIN
    FOR v_kept IN
        SELECT u.id, u.results, u.strays, u.counts, r.key
        FROM relay.unrecorded u JOIN platform.reseller r ON r.id = u.reseller_id
        ORDER BY u.id LIMIT p_limit FOR UPDATE OF u SKIP LOCKED
    LOOP
        BEGIN
            PERFORM relay.record(v_kept.key, v_kept.results, v_kept.strays, v_kept.counts);
            DELETE FROM relay.unrecorded WHERE id = v_kept.id;
        EXCEPTION WHEN OTHERS THEN
            UPDATE relay.unrecorded SET reason = SQLERRM WHERE id = v_kept.id;
        END;
    END LOOP;
    RETURN (SELECT count(*) FROM relay.unrecorded);
END $$;

REVOKE ALL ON FUNCTION relay.finish, relay.post, relay.record, relay.record_or_set_aside, relay.record_again FROM PUBLIC;
GRANT EXECUTE ON FUNCTION relay.finish, relay.post TO frankpost_relay;
GRANT EXECUTE ON FUNCTION relay.post, relay.record_again TO frankpost_web;
