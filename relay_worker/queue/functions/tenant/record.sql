-- Results of attempts, for this reseller's recipients: the event, the state, the count, and for a hard bounce the
-- suppression. A result that was recorded before (same recipient, same instant) changes nothing.
--
-- A loop of plain statements, not a join: with the id as a parameter each opens the one partition it needs.
CREATE OR REPLACE FUNCTION record(p_slot smallint, p_results relay.result[]) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    v_result relay.result;
    v_moved record;
    v_accounts bigint[];  -- what has moved, a place for each: its account, the result, and whether it was its first
    v_moves relay.result[];
    v_firsts boolean[];
    v_hard_accounts bigint[];
    v_hard_addresses text[];
BEGIN
    FOREACH v_result IN ARRAY p_results LOOP
        INSERT INTO event (message_id, n, at, account_id, kind, bounce_kind, reply_code, enhanced_code, reply_text,
                           remote_host, remote_address, tls_version, duration_ms, next_at)
            SELECT v_result.message_id, v_result.n, v_result.at, r.account_id, v_result.state, v_result.bounce_kind,
                   v_result.reply_code, v_result.enhanced_code, v_result.reply_text, v_result.remote_host,
                   v_result.remote_address, v_result.tls_version, v_result.duration_ms, v_result.next_at
            FROM recipient r WHERE r.message_id = v_result.message_id AND r.n = v_result.n
            ON CONFLICT DO NOTHING;
        CONTINUE WHEN NOT FOUND;
        -- An end stays the end: only what is still open moves. A deferral moves it when it is the one that the queue
        -- goes by, and not that of a worker who had lost the lease.
        UPDATE recipient SET state = v_result.state, bounce_kind = v_result.bounce_kind, state_at = v_result.at,
               attempts = attempts + 1, next_at = v_result.next_at
            WHERE message_id = v_result.message_id AND n = v_result.n AND state IN ('queued', 'deferred')
              AND (v_result.next_at IS NULL OR EXISTS (
                  SELECT FROM relay.due d
                  WHERE d.message_id = v_result.message_id AND d.n = v_result.n AND d.next_at = v_result.next_at))
            RETURNING account_id, rcpt_to, attempts = 1 AS first INTO v_moved;
        CONTINUE WHEN NOT FOUND;
        v_accounts := v_accounts || v_moved.account_id;
        v_moves := v_moves || v_result;
        v_firsts := v_firsts || v_moved.first;
        IF v_result.bounce_kind = 'hard' THEN
            v_hard_accounts := v_hard_accounts || v_moved.account_id;
            v_hard_addresses := v_hard_addresses || lower(v_moved.rcpt_to);
        END IF;
    END LOOP;
    -- Both in an order of their own, so that two workers never wait for each other.
    IF v_hard_accounts IS NOT NULL THEN
        INSERT INTO suppression (account_id, address, reason, origin, created_at)
            SELECT h.account_id, h.address, 'hard_bounce', 'delivery', now()
            FROM unnest(v_hard_accounts, v_hard_addresses) AS h (account_id, address)
            ORDER BY h.account_id, h.address
            ON CONFLICT DO NOTHING;
    END IF;
    INSERT INTO stats_hour AS s (account_id, hour, slot, delivered, deferred, bounced_hard, bounced_soft, expired)
        SELECT a.id, date_trunc('hour', m.at, a.time_zone) AS hour, p_slot,
               count(*) FILTER (WHERE m.state = 'delivered'),
               count(*) FILTER (WHERE m.state = 'deferred' AND m.first),
               count(*) FILTER (WHERE m.state = 'bounced' AND m.bounce_kind = 'hard'),
               count(*) FILTER (WHERE m.state = 'bounced' AND m.bounce_kind = 'soft'),
               count(*) FILTER (WHERE m.state = 'expired')
        FROM ROWS FROM (unnest(v_accounts), unnest(v_firsts), unnest(v_moves))
             AS m (account_id, first, reseller_id, message_id, n, at, state, bounce_kind)
        JOIN account a ON a.id = m.account_id
        GROUP BY a.id, date_trunc('hour', m.at, a.time_zone)
        ORDER BY a.id, hour
        ON CONFLICT (account_id, hour, slot) DO UPDATE
        SET delivered = s.delivered + excluded.delivered, deferred = s.deferred + excluded.deferred,
            bounced_hard = s.bounced_hard + excluded.bounced_hard, bounced_soft = s.bounced_soft + excluded.bounced_soft,
            expired = s.expired + excluded.expired;
END $$;
REVOKE ALL ON FUNCTION record FROM PUBLIC;
