-- One account's messages of a batch: decide each, debit, write; a verdict for each, in order. Called by relay.ingest
-- alone, inside its transaction.
--
-- `rcpt_to` holds a message's recipients, one a line. A message is taken whole or not at all; suppressed recipients are
-- written as dropped and cost nothing. Plan quota is used first, then lots by oldest expiry. The account's row stays
-- locked until the commit: whatever runs at once, no credit is spent twice.
--
-- With hundreds of resellers in one batch this runs once for almost every message, so what counts is the number of
-- statements: one that locks, one that reads, and a plain one for each table that is written.
CREATE OR REPLACE FUNCTION accept(p_at timestamptz, p_messages relay.submission[]) RETURNS text[]
LANGUAGE plpgsql SET search_path FROM CURRENT SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_account_id CONSTANT bigint := p_messages[1].account_id;
    v_account record;
    v_before record;  -- how things stand before this call
    v_month date;
    v_hour timestamptz;
    v_left_in_cap bigint;  -- NULL: no cap
    v_left_in_plan bigint;
    v_left_in_lots bigint := 0;
    v_lot_left bigint[];
    v_lot_drawn bigint[];
    v_lot integer := 1;
    v_message relay.submission;
    v_verdict text;
    v_verdicts text[];
    v_rcpts text[];
    v_rcpt text;
    v_billable bigint;
    v_used bigint := 0;
    v_from_plan bigint := 0;
    v_dropped bigint := 0;
    -- What will be written, a place for each recipient.
    v_id uuid[];
    v_n smallint[];
    v_to text[];
    v_state text[];
    v_paid_by bigint[];
BEGIN
    SELECT state, time_zone, monthly_cap, plan_quota INTO v_account FROM account
        WHERE id = v_account_id FOR NO KEY UPDATE;
    IF NOT FOUND OR v_account.state <> 'active' THEN
        RETURN array_fill('account_suspended'::text, ARRAY[cardinality(p_messages)]);
    END IF;

    -- A statement of its own, after the lock: it must see what the one before us has committed.
    v_month := date_trunc('month', p_at AT TIME ZONE v_account.time_zone);
    v_hour := date_trunc('hour', p_at, v_account.time_zone);
    SELECT lot.ids, lot.remaining, month.accepted, month.from_plan, credential.active, credential.not_used_lately,
           (SELECT array_agg(s.address)
            FROM unnest(p_messages) m
            CROSS JOIN LATERAL string_to_table(lower(m.rcpt_to), E'\n') AS r (address)
            JOIN suppression s ON s.account_id = v_account_id AND s.address = r.address) AS suppressed
        INTO v_before
        FROM (SELECT array_agg(l.id) AS ids, array_agg(l.remaining) AS remaining FROM (
                  SELECT id, remaining FROM credit_lot
                  WHERE account_id = v_account_id AND remaining > 0 AND expires_at > p_at ORDER BY expires_at, id) l) lot,
             -- To the minute is enough for "last used", and spares most batches the write.
             (SELECT array_agg(c.id) AS active,
                     array_agg(c.id) FILTER (WHERE c.last_used_at > p_at - interval '1 minute' IS NOT TRUE) AS not_used_lately
              FROM smtp_account c
              WHERE c.account_id = v_account_id AND c.state = 'active'
                  AND c.id IN (SELECT m.smtp_account_id FROM unnest(p_messages) m)) credential
             LEFT JOIN account_month month ON month.account_id = v_account_id AND month.month = v_month;
    v_left_in_cap := v_account.monthly_cap - coalesce(v_before.accepted, 0);
    v_left_in_plan := greatest(v_account.plan_quota - coalesce(v_before.from_plan, 0), 0);
    v_lot_left := v_before.remaining;
    FOR i IN 1 .. coalesce(cardinality(v_lot_left), 0) LOOP
        v_left_in_lots := v_left_in_lots + v_lot_left[i];
        v_lot_drawn[i] := 0;
    END LOOP;

    FOREACH v_message IN ARRAY p_messages LOOP
        v_rcpts := string_to_array(v_message.rcpt_to, E'\n');
        v_billable := cardinality(v_rcpts);
        IF v_before.suppressed IS NOT NULL THEN
            SELECT count(*) INTO v_billable FROM unnest(v_rcpts) r WHERE lower(r) <> ALL (v_before.suppressed);
        END IF;
        v_verdict := CASE
            WHEN NOT coalesce(v_message.smtp_account_id = ANY (v_before.active), false) THEN 'credential_suspended'
            WHEN v_billable = 0 THEN 'recipients_suppressed'
            WHEN v_billable > v_left_in_cap THEN 'cap_reached'
            WHEN v_billable > v_left_in_plan + v_left_in_lots THEN 'credits_exhausted'
            ELSE 'accepted'
        END;
        v_verdicts := v_verdicts || v_verdict;
        -- A message whose recipients are all suppressed is refused, and kept without its body so that it can be seen.
        CONTINUE WHEN v_verdict NOT IN ('accepted', 'recipients_suppressed');
        INSERT INTO message (id, account_id, smtp_account_id, received_at, mail_from, header_from, subject,
                             message_id_header, size, recipients, smtputf8, body_8bit, client_address, client_helo,
                             tls_version)
            VALUES (v_message.message_id, v_account_id, v_message.smtp_account_id, p_at, v_message.mail_from,
                    v_message.header_from, v_message.subject, v_message.message_id_header, length(v_message.raw),
                    cardinality(v_rcpts), v_message.smtputf8, v_message.body_8bit, v_message.client_address,
                    v_message.client_helo, v_message.tls_version);
        IF v_verdict = 'accepted' THEN
            INSERT INTO message_body (message_id, raw) VALUES (v_message.message_id, v_message.raw);
        END IF;
        FOR n IN 1 .. cardinality(v_rcpts) LOOP
            v_rcpt := v_rcpts[n];
            v_id := v_id || v_message.message_id;
            v_n := v_n || (n - 1)::smallint;
            v_to := v_to || v_rcpt;
            IF v_before.suppressed IS NOT NULL AND lower(v_rcpt) = ANY (v_before.suppressed) THEN
                v_state := v_state || 'dropped'::text;
                v_paid_by := v_paid_by || NULL::bigint;
                v_dropped := v_dropped + 1;
                CONTINUE;
            END IF;
            v_state := v_state || 'queued'::text;
            v_used := v_used + 1;
            v_left_in_cap := v_left_in_cap - 1;
            IF v_left_in_plan > 0 THEN
                v_left_in_plan := v_left_in_plan - 1;
                v_from_plan := v_from_plan + 1;
                v_paid_by := v_paid_by || NULL::bigint;
                CONTINUE;
            END IF;
            WHILE v_lot_left[v_lot] = 0 LOOP
                v_lot := v_lot + 1;
            END LOOP;
            v_lot_left[v_lot] := v_lot_left[v_lot] - 1;
            v_lot_drawn[v_lot] := v_lot_drawn[v_lot] + 1;
            v_left_in_lots := v_left_in_lots - 1;
            v_paid_by := v_paid_by || v_before.ids[v_lot];
        END LOOP;
    END LOOP;

    IF v_id IS NULL THEN
        RETURN v_verdicts;
    END IF;
    INSERT INTO recipient (message_id, n, account_id, rcpt_to, domain, state, state_at, lot_id)
        SELECT u.id, u.n, v_account_id, u.rcpt, split_part(u.rcpt, '@', -1), u.state, p_at, u.paid_by
        FROM unnest(v_id, v_n, v_to, v_state, v_paid_by) AS u (id, n, rcpt, state, paid_by);
    INSERT INTO relay.due (message_id, n, reseller_id, account_id, lane, next_at, accepted_at)
        SELECT u.id, u.n, p_messages[1].reseller_id, v_account_id, hashtext(split_part(u.rcpt, '@', -1)), p_at, p_at
        FROM unnest(v_id, v_n, v_to, v_state) AS u (id, n, rcpt, state) WHERE u.state = 'queued';
    IF v_dropped > 0 THEN
        INSERT INTO event (message_id, n, at, account_id, kind)
            SELECT u.id, u.n, p_at, v_account_id, 'dropped'
            FROM unnest(v_id, v_n, v_state) AS u (id, n, state) WHERE u.state = 'dropped';
    END IF;

    FOR i IN 1 .. coalesce(cardinality(v_lot_left), 0) LOOP
        CONTINUE WHEN v_lot_drawn[i] = 0;
        UPDATE credit_lot SET remaining = v_lot_left[i] WHERE id = v_before.ids[i];
        INSERT INTO credit_entry (account_id, lot_id, kind, credits, at)
            VALUES (v_account_id, v_before.ids[i], 'used', -v_lot_drawn[i], p_at);
    END LOOP;
    UPDATE account_month SET accepted = accepted + v_used, from_plan = from_plan + v_from_plan
        WHERE account_id = v_account_id AND month = v_month;
    IF NOT FOUND THEN  -- here as below, the lock lets nobody else insert it meanwhile
        INSERT INTO account_month (account_id, month, accepted, from_plan)
            VALUES (v_account_id, v_month, v_used, v_from_plan);
    END IF;
    UPDATE stats_hour SET accepted = accepted + v_used, dropped = dropped + v_dropped
        WHERE account_id = v_account_id AND hour = v_hour AND slot = 0;
    IF NOT FOUND THEN
        INSERT INTO stats_hour (account_id, hour, slot, accepted, dropped)
            VALUES (v_account_id, v_hour, 0, v_used, v_dropped);
    END IF;
    IF v_before.not_used_lately IS NOT NULL THEN
        UPDATE smtp_account SET last_used_at = p_at WHERE id = ANY (v_before.not_used_lately);
    END IF;
    RETURN v_verdicts;
END $$;
REVOKE ALL ON FUNCTION accept FROM PUBLIC;
