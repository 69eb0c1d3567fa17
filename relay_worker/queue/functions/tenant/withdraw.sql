-- End these recipients without another attempt; relay.drop_due has taken them out of the queue. They were accepted and paid
-- for, so they count as discarded and not as dropped. One whose end is recorded already keeps that end.
CREATE OR REPLACE FUNCTION withdraw(p_ids uuid[], p_ns smallint[], p_at timestamptz, p_reason text) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    v_account record;
BEGIN
    FOR v_account IN
        WITH ended AS (
            UPDATE recipient r
                SET state = 'dropped', state_at = p_at, next_at = NULL, outcome_class = 'withdrawn'
                FROM unnest(p_ids, p_ns) AS t (id, n)
                WHERE r.message_id = t.id AND r.n = t.n AND r.state IN ('queued', 'deferred')
                RETURNING r.message_id, r.n, r.account_id
        ), told AS (
            INSERT INTO event (message_id, n, at, account_id, kind, outcome_class, reply_text)
                SELECT e.message_id, e.n, p_at, e.account_id, 'dropped', 'withdrawn', p_reason FROM ended e
                ON CONFLICT DO NOTHING
        )
        SELECT a.id, a.time_zone, array_agg(e.message_id) AS messages
        FROM ended e JOIN account a ON a.id = e.account_id GROUP BY a.id ORDER BY a.id
    LOOP
        INSERT INTO stats_hour AS s (account_id, hour, slot, discarded)
            VALUES (v_account.id, date_trunc('hour', p_at, v_account.time_zone), 0, cardinality(v_account.messages))
            ON CONFLICT (account_id, hour, slot) DO UPDATE SET discarded = s.discarded + excluded.discarded;
        PERFORM forget_bodies(v_account.id, v_account.messages);
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION withdraw FROM PUBLIC;
