-- Results of attempts, for this reseller's recipients: the event, the state, the count, and for a hard bounce the
-- suppression. A result that was recorded before (same recipient, same instant) changes nothing.
CREATE OR REPLACE FUNCTION record(
    p_slot smallint, p_ids uuid[], p_ns smallint[], p_at timestamptz[], p_state text[], p_bounce_kind text[],
    p_code integer[], p_enhanced text[], p_text text[], p_host text[], p_address text[], p_tls text[],
    p_duration integer[], p_next_at timestamptz[]
) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    WITH fresh AS (
        INSERT INTO event (message_id, n, at, account_id, kind, bounce_kind, reply_code, enhanced_code, reply_text,
                           remote_host, remote_address, tls_version, duration_ms, next_at)
        SELECT u.id, u.n, u.at, r.account_id, u.state, u.bounce_kind, u.code, u.enhanced, u.text, u.host, u.address,
               u.tls, u.duration, u.next_at
        FROM unnest(p_ids, p_ns, p_at, p_state, p_bounce_kind, p_code, p_enhanced, p_text, p_host, p_address, p_tls,
                    p_duration, p_next_at)
             AS u (id, n, at, state, bounce_kind, code, enhanced, text, host, address, tls, duration, next_at)
        JOIN recipient r ON r.message_id = u.id AND r.n = u.n
        ON CONFLICT DO NOTHING
        RETURNING message_id, n, at, kind, bounce_kind, next_at
    ), moved AS (
        -- An end stays the end: only what is still open moves. A deferral moves it when it is the one that the queue
        -- goes by, and not that of a worker who had lost the lease.
        UPDATE recipient r SET state = f.kind, bounce_kind = f.bounce_kind, state_at = f.at, attempts = r.attempts + 1,
               next_at = f.next_at
        FROM fresh f
        WHERE r.message_id = f.message_id AND r.n = f.n AND r.state IN ('queued', 'deferred')
          AND (f.next_at IS NULL OR EXISTS (
              SELECT FROM relay.due d WHERE d.message_id = f.message_id AND d.n = f.n AND d.next_at = f.next_at))
        RETURNING r.account_id, r.rcpt_to, r.state, r.bounce_kind, r.attempts, f.at
    ), suppressed AS (
        INSERT INTO suppression (account_id, address, reason, origin, created_at)
        SELECT m.account_id, lower(m.rcpt_to), 'hard_bounce', 'delivery', m.at FROM moved m WHERE m.bounce_kind = 'hard'
        ORDER BY m.account_id, lower(m.rcpt_to)  -- two workers never wait for each other
        ON CONFLICT DO NOTHING
    )
    INSERT INTO stats_hour AS s (account_id, hour, slot, delivered, deferred, bounced_hard, bounced_soft, expired)
        SELECT m.account_id, date_trunc('hour', m.at, a.time_zone) AS hour, p_slot,
               count(*) FILTER (WHERE m.state = 'delivered'),
               count(*) FILTER (WHERE m.state = 'deferred' AND m.attempts = 1),
               count(*) FILTER (WHERE m.bounce_kind = 'hard'),
               count(*) FILTER (WHERE m.state = 'bounced' AND m.bounce_kind = 'soft'),
               count(*) FILTER (WHERE m.state = 'expired')
        FROM moved m JOIN account a ON a.id = m.account_id
        GROUP BY m.account_id, date_trunc('hour', m.at, a.time_zone)
        ORDER BY m.account_id, hour
        ON CONFLICT (account_id, hour, slot) DO UPDATE
        SET delivered = s.delivered + excluded.delivered, deferred = s.deferred + excluded.deferred,
            bounced_hard = s.bounced_hard + excluded.bounced_hard, bounced_soft = s.bounced_soft + excluded.bounced_soft,
            expired = s.expired + excluded.expired;
END $$;
REVOKE ALL ON FUNCTION record FROM PUBLIC;
