-- Results of attempts, for this reseller's recipients, those of one recipient in the order of time: the state, the
-- event, the count, and for a hard bounce the suppression. A result that was recorded before (same recipient, same
-- instant) changes nothing; strays leave their event alone. Before that, messages that were accepted and only logged; most are delivered by then, and written as that.
--
-- Recipients are a loop of plain statements, not a join: with the id as a parameter each opens the one partition it
-- needs, and a second result of a recipient finds what the first has made of it.
CREATE OR REPLACE FUNCTION record(
    p_slot smallint, p_results relay.result[], p_strays relay.result[], p_counts relay.hour_counts[],
    p_accepted relay.accepted[]
) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    v_result relay.result;
    v_written bigint[];  -- for each result the account, where it was written with its message; see write_accepted
    v_hours timestamptz[];
    v_keep_bodies boolean[];
    v_i integer := 0;
    v_moved record;
    v_accounts bigint[];
    v_counts relay.hour_counts[] := p_counts;
    v_count relay.hour_counts;
    v_hard_accounts bigint[];
    v_hard_addresses text[];
    v_dropped_accounts bigint[];  -- suppressed after their message was accepted and paid for
    v_dropped_hours timestamptz[];
    v_bodiless bigint[];  -- accounts that keep no bodies, and messages of theirs that may be over
    v_over uuid[];
BEGIN
    IF cardinality(p_accepted) > 0 THEN
        SELECT * INTO v_written, v_hours, v_keep_bodies FROM write_accepted(p_accepted, p_results);
    END IF;
    FOREACH v_result IN ARRAY p_results LOOP
        v_i := v_i + 1;
        IF v_written[v_i] > 0 THEN  -- it was delivered, and written with its message
            v_accounts := v_accounts || v_written[v_i];
            v_counts := v_counts || relay.count_result(v_written[v_i], v_hours[v_i], true, v_result);
            IF NOT v_keep_bodies[v_i] THEN
                v_bodiless := v_bodiless || v_written[v_i];
                v_over := v_over || v_result.message_id;
            END IF;
            CONTINUE;
        END IF;
        -- An end stays the end: only what is still open moves.
        UPDATE recipient r SET state = v_result.state, bounce_kind = v_result.bounce_kind, state_at = v_result.at,
               attempts = r.attempts + 1, next_at = v_result.next_at, outcome_class = v_result.outcome_class
            FROM account a
            WHERE r.message_id = v_result.message_id AND r.n = v_result.n AND r.state IN ('queued', 'deferred')
              AND r.state_at <> v_result.at AND a.id = r.account_id
            RETURNING r.account_id, r.rcpt_to, r.attempts = 1 AS first, date_trunc('hour', v_result.at, a.time_zone) AS hour,
                      a.keep_bodies
            INTO v_moved;
        IF NOT FOUND THEN
            -- A report of ours (account 0) is in nobody's counts.
            UPDATE recipient r SET state = v_result.state, bounce_kind = v_result.bounce_kind, state_at = v_result.at,
                   attempts = r.attempts + 1, next_at = v_result.next_at, outcome_class = v_result.outcome_class
                WHERE r.message_id = v_result.message_id AND r.n = v_result.n AND r.state IN ('queued', 'deferred')
                  AND r.state_at <> v_result.at AND r.account_id = 0;
            v_accounts := v_accounts || (SELECT r.account_id FROM recipient r
                                         WHERE r.message_id = v_result.message_id AND r.n = v_result.n);
            CONTINUE;
        END IF;
        v_accounts := v_accounts || v_moved.account_id;
        v_counts := v_counts || relay.count_result(v_moved.account_id, v_moved.hour, v_moved.first, v_result);
        IF v_result.state = 'dropped' THEN
            v_dropped_accounts := v_dropped_accounts || v_moved.account_id;
            v_dropped_hours := v_dropped_hours || v_moved.hour;
        END IF;
        IF NOT v_moved.keep_bodies AND v_result.next_at IS NULL THEN
            v_bodiless := v_bodiless || v_moved.account_id;
            v_over := v_over || v_result.message_id;
        END IF;
        IF v_result.bounce_kind = 'hard' AND v_result.state = 'bounced' THEN
            v_hard_accounts := v_hard_accounts || v_moved.account_id;
            v_hard_addresses := v_hard_addresses || lower(v_moved.rcpt_to);
        END IF;
    END LOOP;
    FOREACH v_result IN ARRAY p_strays LOOP
        v_accounts := v_accounts || (SELECT r.account_id FROM recipient r
                                     WHERE r.message_id = v_result.message_id AND r.n = v_result.n);
    END LOOP;

    INSERT INTO event (message_id, n, at, account_id, kind, bounce_kind, reply_code, enhanced_code, reply_text, remote_host,
                       remote_address, tls_version, duration_ms, next_at, outcome_class, source_address, tls_trust)
        SELECT r.message_id, r.n, r.at, r.account_id, r.state, r.bounce_kind, r.reply_code, r.enhanced_code, r.reply_text,
               r.remote_host, r.remote_address, r.tls_version, r.duration_ms, r.next_at, r.outcome_class, r.source_address,
               coalesce(r.tls_trust, '')
        FROM ROWS FROM (unnest(p_results || p_strays), unnest(v_accounts)) AS r
             (reseller_id, message_id, n, at, state, bounce_kind, reply_code, enhanced_code, reply_text, remote_host,
              remote_address, tls_version, duration_ms, next_at, outcome_class, source_address, tls_trust, account_id)
        WHERE r.account_id IS NOT NULL
        ON CONFLICT DO NOTHING;

    IF v_over IS NOT NULL THEN
        PERFORM forget_bodies(o.account_id, array_agg(o.message_id))
            FROM unnest(v_bodiless, v_over) AS o (account_id, message_id) GROUP BY o.account_id ORDER BY o.account_id;
    END IF;

    -- Both in an order of their own, so that two who record never wait for each other.
    IF v_hard_accounts IS NOT NULL THEN
        INSERT INTO suppression (account_id, address, reason, origin, created_at)
            SELECT h.account_id, h.address, 'hard_bounce', 'delivery', now()
            FROM unnest(v_hard_accounts, v_hard_addresses) AS h (account_id, address)
            ORDER BY h.account_id, h.address
            ON CONFLICT DO NOTHING;
    END IF;
    IF v_dropped_accounts IS NOT NULL THEN
        PERFORM count_discarded(p_slot, v_dropped_accounts, v_dropped_hours);
    END IF;
    IF cardinality(v_counts) = 0 THEN
        RETURN;
    END IF;
    FOREACH v_count IN ARRAY relay.added_up(v_counts) LOOP
        UPDATE stats_hour SET delivered = delivered + v_count.delivered, deferred = deferred + v_count.deferred,
               bounced_hard = bounced_hard + v_count.bounced_hard, bounced_soft = bounced_soft + v_count.bounced_soft,
               expired = expired + v_count.expired, accepted = accepted + v_count.accepted,
               dropped = dropped + v_count.dropped
            WHERE account_id = v_count.account_id AND hour = v_count.hour AND slot = p_slot;
        CONTINUE WHEN FOUND;
        INSERT INTO stats_hour AS s (account_id, hour, slot, delivered, deferred, bounced_hard, bounced_soft, expired,
                                     accepted, dropped)
            VALUES (v_count.account_id, v_count.hour, p_slot, v_count.delivered, v_count.deferred,
                    v_count.bounced_hard, v_count.bounced_soft, v_count.expired, v_count.accepted, v_count.dropped)
            ON CONFLICT (account_id, hour, slot) DO UPDATE
            SET delivered = s.delivered + excluded.delivered, deferred = s.deferred + excluded.deferred,
                bounced_hard = s.bounced_hard + excluded.bounced_hard,
                bounced_soft = s.bounced_soft + excluded.bounced_soft, expired = s.expired + excluded.expired,
                accepted = s.accepted + excluded.accepted, dropped = s.dropped + excluded.dropped;
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION record FROM PUBLIC;
