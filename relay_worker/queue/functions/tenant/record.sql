-- Results of attempts, for this reseller's recipients: the state, the event, the count, and for a hard bounce the
-- suppression. A result that was recorded before (same recipient, same instant) changes nothing.
--
-- A loop of plain statements, not a join: with the id as a parameter each opens the one partition it needs.
CREATE OR REPLACE FUNCTION record(p_slot smallint, p_results relay.result[]) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    v_result relay.result;
    v_moved record;
    v_counts relay.hour_counts[];
    v_count relay.hour_counts;
    v_hard_accounts bigint[];
    v_hard_addresses text[];
BEGIN
    FOREACH v_result IN ARRAY p_results LOOP
        -- An end stays the end: only what is still open moves. A deferral moves it when it is the one that the queue
        -- goes by, and not that of a worker who had lost the lease, nor one that has moved it already.
        UPDATE recipient r SET state = v_result.state, bounce_kind = v_result.bounce_kind, state_at = v_result.at,
               attempts = r.attempts + 1, next_at = v_result.next_at
            FROM account a
            WHERE r.message_id = v_result.message_id AND r.n = v_result.n AND r.state IN ('queued', 'deferred')
              AND r.state_at <> v_result.at AND a.id = r.account_id
              AND (v_result.next_at IS NULL OR EXISTS (
                  SELECT FROM relay.due d
                  WHERE d.message_id = v_result.message_id AND d.n = v_result.n AND d.next_at = v_result.next_at))
            RETURNING r.account_id, r.rcpt_to, r.attempts = 1 AS first, date_trunc('hour', v_result.at, a.time_zone) AS hour
            INTO v_moved;
        IF NOT FOUND THEN
            INSERT INTO event (message_id, n, at, account_id, kind, bounce_kind, reply_code, enhanced_code, reply_text,
                               remote_host, remote_address, tls_version, duration_ms, next_at)
                SELECT v_result.message_id, v_result.n, v_result.at, r.account_id, v_result.state, v_result.bounce_kind,
                       v_result.reply_code, v_result.enhanced_code, v_result.reply_text, v_result.remote_host,
                       v_result.remote_address, v_result.tls_version, v_result.duration_ms, v_result.next_at
                FROM recipient r WHERE r.message_id = v_result.message_id AND r.n = v_result.n
                ON CONFLICT DO NOTHING;
            CONTINUE;
        END IF;
        INSERT INTO event (message_id, n, at, account_id, kind, bounce_kind, reply_code, enhanced_code, reply_text,
                           remote_host, remote_address, tls_version, duration_ms, next_at)
            VALUES (v_result.message_id, v_result.n, v_result.at, v_moved.account_id, v_result.state,
                    v_result.bounce_kind, v_result.reply_code, v_result.enhanced_code, v_result.reply_text,
                    v_result.remote_host, v_result.remote_address, v_result.tls_version, v_result.duration_ms,
                    v_result.next_at);
        v_counts := v_counts || relay.count_result(v_moved.account_id, v_moved.hour, v_moved.first, v_result);
        IF v_result.bounce_kind = 'hard' AND v_result.state = 'bounced' THEN
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
    IF v_counts IS NULL THEN
        RETURN;
    END IF;
    FOREACH v_count IN ARRAY relay.added_up(v_counts) LOOP
        UPDATE stats_hour SET delivered = delivered + v_count.delivered, deferred = deferred + v_count.deferred,
               bounced_hard = bounced_hard + v_count.bounced_hard, bounced_soft = bounced_soft + v_count.bounced_soft,
               expired = expired + v_count.expired
            WHERE account_id = v_count.account_id AND hour = v_count.hour AND slot = p_slot;
        CONTINUE WHEN FOUND;
        INSERT INTO stats_hour AS s (account_id, hour, slot, delivered, deferred, bounced_hard, bounced_soft, expired)
            VALUES (v_count.account_id, v_count.hour, p_slot, v_count.delivered, v_count.deferred,
                    v_count.bounced_hard, v_count.bounced_soft, v_count.expired)
            ON CONFLICT (account_id, hour, slot) DO UPDATE
            SET delivered = s.delivered + excluded.delivered, deferred = s.deferred + excluded.deferred,
                bounced_hard = s.bounced_hard + excluded.bounced_hard,
                bounced_soft = s.bounced_soft + excluded.bounced_soft, expired = s.expired + excluded.expired;
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION record FROM PUBLIC;
