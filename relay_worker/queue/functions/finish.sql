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

-- Tell the resellers' rows what was logged (what was accepted, its counts, results), oldest first, up to p_limit entries
-- of the log, once the oldest of them is p_older old; says how many it took. One posts at a time: a result must not
-- overtake the message that it speaks of. What a reseller's
-- schema can't take (it is broken, or locked for long) fails the whole call, unless p_apart: then each reseller is tried
-- for itself, and what one can't take is set aside; so is what comes after it, until that is recorded.
CREATE OR REPLACE FUNCTION relay.post(p_limit integer, p_older interval, p_apart boolean) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    v_group record;
    v_taken integer := 0;
BEGIN
    IF NOT EXISTS (SELECT FROM relay.result_log WHERE logged_at <= now() - p_older) THEN
        RETURN 0;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('relay.post'));
    FOR v_group IN
        WITH taken AS (
            DELETE FROM relay.result_log WHERE id IN (
                SELECT l.id FROM relay.result_log l ORDER BY l.id LIMIT p_limit FOR UPDATE SKIP LOCKED)
            RETURNING *
        ), every AS (
            SELECT r.reseller_id, 'result' AS what, r::relay.result AS result, NULL::relay.hour_counts AS counts,
                   NULL::relay.accepted AS accepted
                FROM taken CROSS JOIN unnest(taken.results) r
            UNION ALL
            SELECT r.reseller_id, 'stray', r::relay.result, NULL, NULL
                FROM taken CROSS JOIN unnest(taken.strays) r
            UNION ALL
            SELECT t.reseller_id, 'counts', NULL,
                   (t.account_id, t.hour, 0, 0, 0, 0, 0, t.accepted, t.dropped)::relay.hour_counts, NULL
                FROM taken CROSS JOIN unnest(taken.tallies) t
            UNION ALL
            SELECT (a.message).reseller_id, 'accepted', NULL, NULL, a::relay.accepted
                FROM taken CROSS JOIN unnest(taken.accepted) a
        )
        SELECT p.id, p.key, (SELECT count(*) FROM taken) AS taken,
               coalesce(array_agg(e.result ORDER BY (e.result).message_id, (e.result).n, (e.result).at)
                        FILTER (WHERE e.what = 'result'), '{}') AS results,
               coalesce(array_agg(e.result) FILTER (WHERE e.what = 'stray'), '{}') AS strays,
               coalesce(array_agg(e.counts) FILTER (WHERE e.what = 'counts'), '{}') AS counts,
               coalesce(array_agg(e.accepted) FILTER (WHERE e.what = 'accepted'), '{}') AS accepted
        FROM every e JOIN platform.reseller p ON p.id = e.reseller_id
        GROUP BY p.id ORDER BY p.id
    LOOP
        v_taken := v_group.taken;
        IF EXISTS (SELECT FROM relay.unrecorded u WHERE u.reseller_id = v_group.id) THEN
            INSERT INTO relay.unrecorded (reseller_id, results, strays, counts, accepted, reason)
                VALUES (v_group.id, v_group.results, v_group.strays, v_group.counts, v_group.accepted, 'in its turn');
        ELSIF p_apart THEN
            PERFORM relay.record_or_set_aside(v_group.id, v_group.key, v_group.results, v_group.strays, v_group.counts,
                                              v_group.accepted);
        ELSE
            PERFORM relay.record(v_group.key, v_group.results, v_group.strays, v_group.counts, v_group.accepted);
        END IF;
    END LOOP;
    RETURN v_taken;
END $$;

-- Four rows of counts for each account and hour, so that whoever else writes them seldom waits.
CREATE OR REPLACE FUNCTION relay.record(
    p_key text, p_results relay.result[], p_strays relay.result[], p_counts relay.hour_counts[],
    p_accepted relay.accepted[]
) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('SELECT %I.record($1, $2, $3, $4, $5)', 'r_' || p_key)
        USING (1 + pg_backend_pid() % 4)::smallint, p_results, p_strays, p_counts, p_accepted;
END $$;

CREATE OR REPLACE FUNCTION relay.record_or_set_aside(
    p_reseller integer, p_key text, p_results relay.result[], p_strays relay.result[], p_counts relay.hour_counts[],
    p_accepted relay.accepted[]
) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM relay.record(p_key, p_results, p_strays, p_counts, p_accepted);
EXCEPTION WHEN OTHERS THEN
    INSERT INTO relay.unrecorded (reseller_id, results, strays, counts, accepted, reason)
        VALUES (p_reseller, p_results, p_strays, p_counts, p_accepted, SQLERRM);
END $$;

-- Record what was set aside, oldest first, of each reseller up to p_limit entries; what still can't be recorded stays, and so
-- does what comes after it of the same reseller. Says how much there is left.
CREATE OR REPLACE FUNCTION relay.record_again(p_limit integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_kept record;
    v_stuck integer[] := '{}';
BEGIN
    FOR v_kept IN
        SELECT u.id, u.reseller_id, u.results, u.strays, u.counts, u.accepted, r.key
        FROM platform.reseller r
        CROSS JOIN LATERAL (
            SELECT * FROM relay.unrecorded o WHERE o.reseller_id = r.id ORDER BY o.id LIMIT p_limit FOR UPDATE) u
        WHERE r.id IN (SELECT o.reseller_id FROM relay.unrecorded o)
        ORDER BY r.id, u.id
    LOOP
        CONTINUE WHEN v_kept.reseller_id = ANY (v_stuck);
        BEGIN
            PERFORM relay.record(v_kept.key, v_kept.results, v_kept.strays, v_kept.counts, v_kept.accepted);
            DELETE FROM relay.unrecorded WHERE id = v_kept.id;
        EXCEPTION WHEN OTHERS THEN
            UPDATE relay.unrecorded SET reason = SQLERRM WHERE id = v_kept.id;
            v_stuck := v_stuck || v_kept.reseller_id;
        END;
    END LOOP;
    RETURN (SELECT count(*) FROM relay.unrecorded);
END $$;

REVOKE ALL ON FUNCTION relay.finish, relay.post, relay.record, relay.record_or_set_aside, relay.record_again FROM PUBLIC;
GRANT EXECUTE ON FUNCTION relay.finish, relay.post TO frankpost_relay;
GRANT EXECUTE ON FUNCTION relay.post, relay.record_again TO frankpost_web;
