-- What somebody says of one recipient after we have handed the message over: a bounce report, a complaint, the wish to
-- get no more. Called by relay.apply_feedback alone. Any of it may come twice, late, or for what is forgotten already.
--
-- Says 'applied'; 'early' when our own record of the delivery is still to come; 'unrecorded' when the message was accepted
-- and is not in the tables yet, so that nothing could be done; 'unknown' when there is no such message; 'ambiguous' when it
-- went to several and the report does not say to whom.
CREATE OR REPLACE FUNCTION feedback(p_slot smallint, p_found relay.feedback) RETURNS text
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    v_message uuid := coalesce(p_found.message_id, message_by_header(p_found.header_id, p_found.sent_at));
    v_n smallint := CASE WHEN p_found.addresses IS NULL THEN p_found.n
                         ELSE reported_recipient(v_message, p_found.n, p_found.addresses) END;
    v_recipient recipient;
    v_new boolean := true;  -- not told before
BEGIN
    -- What is told twice at once is taken in one after the other.
    SELECT * INTO v_recipient FROM recipient WHERE message_id = v_message AND n = v_n FOR UPDATE;
    IF FOUND THEN
        v_new := note_feedback(v_recipient, p_found);
        IF v_new AND v_recipient.dsn_settled THEN  -- its sender has asked for reports: see find_notices
            UPDATE recipient SET dsn_settled = false WHERE message_id = v_message AND n = v_n;
            PERFORM note_work('notices');
        END IF;
    ELSIF p_found.account_id IS NULL THEN
        RETURN CASE WHEN EXISTS (SELECT FROM recipient WHERE message_id = v_message) THEN 'ambiguous'
                    WHEN EXISTS (SELECT FROM message_body WHERE message_id = v_message) THEN 'unrecorded'
                    ELSE 'unknown' END;
    ELSIF NOT EXISTS (SELECT FROM account WHERE id = p_found.account_id) THEN
        RETURN 'unknown';
    ELSE  -- a link outlives the message that it came with
        v_recipient.account_id := p_found.account_id;
        v_recipient.rcpt_to := p_found.addresses[1];
        v_new := NOT EXISTS (SELECT FROM suppression WHERE account_id = p_found.account_id
                             AND address = lower(p_found.addresses[1]));
    END IF;

    IF p_found.kind = 'bounced' AND p_found.bounce_kind = 'hard' THEN
        PERFORM suppress_reported(v_recipient, 'hard_bounce', p_found);
    ELSIF p_found.kind = 'complained' THEN
        PERFORM suppress_reported(v_recipient, 'complaint', p_found);
    ELSIF p_found.kind = 'unsubscribed' THEN
        PERFORM suppress_reported(v_recipient, 'unsubscribe', p_found);
    END IF;

    IF p_found.kind = 'bounced' AND v_recipient.state = 'delivered' THEN
        PERFORM bounce_late(p_slot, v_recipient, p_found);
    ELSIF p_found.kind = 'bounced' AND v_recipient.state IN ('queued', 'deferred') THEN
        RETURN 'early';
    ELSIF p_found.kind IN ('complained', 'unsubscribed') AND v_new THEN
        PERFORM count_wish(p_slot, v_recipient.account_id, p_found);
        IF p_found.kind = 'complained' THEN  -- it is about the address too that the mail came from
            PERFORM relay.count_complaint(e.source_address, e.remote_host, p_found.at) FROM event e
                WHERE e.message_id = v_recipient.message_id AND e.n = v_recipient.n AND e.kind = 'delivered';
        END IF;
    END IF;
    RETURN 'applied';
END $$;

-- The recipient that a report speaks of: whom it names, else the one that our mark names, if nobody else was sent to
-- with it; what is sent together goes to one domain. NULL in all doubt: what is said of one must not be done to another.
CREATE OR REPLACE FUNCTION reported_recipient(p_message uuid, p_n smallint, p_addresses text[]) RETURNS smallint
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT coalesce(
        (SELECT r.n FROM recipient r WHERE r.message_id = p_message AND lower(r.rcpt_to) = ANY (p_addresses)
         ORDER BY array_position(p_addresses, lower(r.rcpt_to)), r.n = p_n DESC, r.n LIMIT 1),
        (SELECT min(r.n) FROM recipient r
         WHERE r.message_id = p_message AND r.state <> 'dropped'
           AND (p_n IS NULL OR r.domain = (SELECT m.domain FROM recipient m WHERE m.message_id = p_message AND m.n = p_n))
         HAVING count(*) = 1 AND min(r.n) = coalesce(p_n, min(r.n))))
$$;

-- The message with this Message-ID (without its brackets) that was accepted within an hour of p_sent_at; NULL when
-- there is none or more than one. There is no index on it: that would cost every message something, for this rarity.
CREATE OR REPLACE FUNCTION message_by_header(p_header text, p_sent_at timestamptz) RETURNS uuid
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT (array_agg(m.id))[1] FROM message m
    WHERE m.id >= platform.first_message_id(p_sent_at - interval '1 hour')
      AND m.id < platform.first_message_id(p_sent_at + interval '1 hour')
      AND m.message_id_header = '<' || p_header || '>'
    HAVING count(*) = 1
$$;

-- Into the recipient's history, unless it is there; true when it was not. A person complains of a message once; of
-- bounces and notices each that says something else is kept.
CREATE OR REPLACE FUNCTION note_feedback(p_recipient recipient, p_found relay.feedback) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO event (message_id, n, at, account_id, kind, bounce_kind, outcome_class, reply_code, enhanced_code,
                       reply_text, remote_address)
        SELECT p_recipient.message_id, p_recipient.n, p_found.at, p_recipient.account_id, p_found.kind,
               p_found.bounce_kind, p_found.outcome_class, p_found.reply_code, p_found.enhanced_code,
               p_found.reply_text, p_found.remote_address
        WHERE NOT EXISTS (
            SELECT FROM event e WHERE e.message_id = p_recipient.message_id AND e.n = p_recipient.n
              AND e.kind = p_found.kind
              AND (p_found.kind IN ('complained', 'unsubscribed', 'not_spam') OR e.reply_text = p_found.reply_text))
        ON CONFLICT DO NOTHING;
    RETURN FOUND;
END $$;

-- A complaint outweighs every other reason; otherwise the older one stays.
CREATE OR REPLACE FUNCTION suppress_reported(p_recipient recipient, p_reason text, p_found relay.feedback) RETURNS void
LANGUAGE sql SET search_path FROM CURRENT AS $$
    INSERT INTO suppression AS s (account_id, address, reason, origin, created_at)
        VALUES (p_recipient.account_id, lower(p_recipient.rcpt_to), p_reason, p_found.origin, p_found.at)
        ON CONFLICT (account_id, address) DO UPDATE SET reason = excluded.reason, origin = excluded.origin
        WHERE excluded.reason = 'complaint' AND s.reason <> 'complaint'
$$;

-- What was taken for delivered has bounced after all. The hour in which it was counted as delivered is corrected, so
-- that in every hour each recipient is counted once, and no rate exceeds 100 %.
CREATE OR REPLACE FUNCTION bounce_late(p_slot smallint, p_recipient recipient, p_found relay.feedback) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE recipient SET state = 'bounced', bounce_kind = p_found.bounce_kind, state_at = p_found.at,
           outcome_class = p_found.outcome_class, dsn_settled = false  -- of what the sender was told, this is new
        WHERE message_id = p_recipient.message_id AND n = p_recipient.n;
    IF p_recipient.dsn IS NOT NULL THEN
        PERFORM note_work('notices');
    END IF;
    INSERT INTO stats_hour AS s (account_id, hour, slot, delivered, bounced_hard, bounced_soft)
        SELECT a.id, date_trunc('hour', p_recipient.state_at, a.time_zone), p_slot, -1,
               (p_found.bounce_kind = 'hard')::int, (p_found.bounce_kind <> 'hard')::int
        FROM account a WHERE a.id = p_recipient.account_id
        ON CONFLICT (account_id, hour, slot) DO UPDATE
        SET delivered = s.delivered - 1, bounced_hard = s.bounced_hard + excluded.bounced_hard,
            bounced_soft = s.bounced_soft + excluded.bounced_soft;
END $$;

-- Complaints and unsubscribes count in the hour in which they come.
CREATE OR REPLACE FUNCTION count_wish(p_slot smallint, p_account bigint, p_found relay.feedback) RETURNS void
LANGUAGE sql SET search_path FROM CURRENT AS $$
    INSERT INTO stats_hour AS s (account_id, hour, slot, complained, unsubscribed)
        SELECT a.id, date_trunc('hour', p_found.at, a.time_zone), p_slot, (p_found.kind = 'complained')::int,
               (p_found.kind = 'unsubscribed')::int
        FROM account a WHERE a.id = p_account
        ON CONFLICT (account_id, hour, slot) DO UPDATE
        SET complained = s.complained + excluded.complained, unsubscribed = s.unsubscribed + excluded.unsubscribed
$$;

-- Recipients that were suppressed after their message was accepted and paid for; called by `record`.
CREATE OR REPLACE FUNCTION count_discarded(p_slot smallint, p_accounts bigint[], p_hours timestamptz[]) RETURNS void
LANGUAGE sql SET search_path FROM CURRENT AS $$
    INSERT INTO stats_hour AS s (account_id, hour, slot, discarded)
        SELECT u.account, u.hour, p_slot, count(*) FROM unnest(p_accounts, p_hours) AS u (account, hour)
        GROUP BY u.account, u.hour ORDER BY u.account, u.hour
        ON CONFLICT (account_id, hour, slot) DO UPDATE SET discarded = s.discarded + excluded.discarded
$$;

REVOKE ALL ON FUNCTION feedback, reported_recipient, message_by_header, note_feedback, suppress_reported, bounce_late,
    count_wish, count_discarded FROM PUBLIC;
