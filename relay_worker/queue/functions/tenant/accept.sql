-- One account's messages of a batch: decide each, debit, write. Called by relay.ingest alone, inside its transaction.
--
-- p_rcpt_to[message] holds its recipients, one a line. A message is taken whole or not at all; suppressed recipients are
-- written as dropped and cost nothing. Plan quota is used first, then lots by oldest expiry. The account's month is locked
-- first, then its lots, until the commit: whatever runs at once, no credit is spent twice.
--
-- With hundreds of resellers in one batch this runs once for almost every message, so what counts is the number of
-- statements: decisions are made in variables, and each table is written by one plain statement.
CREATE OR REPLACE FUNCTION accept(
    p_reseller integer, p_account bigint, p_at timestamptz,
    p_ids uuid[], p_credentials bigint[], p_mail_from text[], p_rcpt_to text[], p_header_from text[], p_subject text[],
    p_message_id_header text[], p_smtputf8 boolean[], p_body_8bit boolean[], p_client_address text[],
    p_client_helo text[], p_tls_version text[], p_raw bytea[]
) RETURNS TABLE (id uuid, verdict text)
LANGUAGE plpgsql SET search_path FROM CURRENT SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    v_account record;
    v_month record;
    v_month_start date;
    v_left_in_cap bigint;  -- NULL: no cap
    v_left_in_plan bigint;
    v_left_in_lots bigint := 0;
    v_lots bigint[];  -- in the order in which they are spent, with what is left in each and what this call draws
    v_lot_left bigint[];
    v_lot_drawn bigint[];
    v_lot integer := 1;
    v_credentials bigint[];
    v_not_used_lately bigint[];
    v_suppressed text[];
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
    SELECT state, time_zone, monthly_cap, plan_quota INTO v_account FROM account a WHERE a.id = p_account;
    IF NOT FOUND OR v_account.state <> 'active' THEN
        RETURN QUERY SELECT u, 'account_suspended' FROM unnest(p_ids) u;
        RETURN;
    END IF;

    v_month_start := date_trunc('month', p_at AT TIME ZONE v_account.time_zone);
    SELECT accepted, from_plan INTO v_month FROM account_month
        WHERE account_id = p_account AND month = v_month_start FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO account_month (account_id, month) VALUES (p_account, v_month_start) ON CONFLICT DO NOTHING;
        SELECT accepted, from_plan INTO v_month FROM account_month
            WHERE account_id = p_account AND month = v_month_start FOR UPDATE;
    END IF;
    v_left_in_cap := v_account.monthly_cap - v_month.accepted;
    v_left_in_plan := greatest(v_account.plan_quota - v_month.from_plan, 0);
    SELECT array_agg(l.id), array_agg(l.remaining) INTO v_lots, v_lot_left FROM (
        SELECT c.id, c.remaining FROM credit_lot c
        WHERE c.account_id = p_account AND c.remaining > 0 AND c.expires_at > p_at
        ORDER BY c.expires_at, c.id FOR UPDATE
    ) l;
    FOR i IN 1 .. coalesce(cardinality(v_lots), 0) LOOP
        v_left_in_lots := v_left_in_lots + v_lot_left[i];
        v_lot_drawn[i] := 0;
    END LOOP;
    -- To the minute is enough for "last used", and spares most batches the write.
    SELECT array_agg(c.id), array_agg(c.id) FILTER (WHERE c.last_used_at < p_at - interval '1 minute' OR c.last_used_at IS NULL)
        INTO v_credentials, v_not_used_lately
        FROM smtp_account c WHERE c.id = ANY (p_credentials) AND c.account_id = p_account AND c.state = 'active';
    SELECT array_agg(s.address) INTO v_suppressed
        FROM unnest(string_to_array(lower(array_to_string(p_rcpt_to, E'\n')), E'\n')) AS r (address)
        JOIN suppression s ON s.account_id = p_account AND s.address = r.address;

    FOR m IN 1 .. cardinality(p_ids) LOOP
        v_rcpts := string_to_array(p_rcpt_to[m], E'\n');
        v_billable := cardinality(v_rcpts);
        IF v_suppressed IS NOT NULL THEN
            SELECT count(*) INTO v_billable FROM unnest(v_rcpts) r WHERE lower(r) <> ALL (v_suppressed);
        END IF;
        v_verdicts[m] := CASE
            WHEN NOT coalesce(p_credentials[m] = ANY (v_credentials), false) THEN 'credential_suspended'
            WHEN v_billable = 0 THEN 'recipients_suppressed'
            WHEN v_billable > v_left_in_cap THEN 'cap_reached'
            WHEN v_billable > v_left_in_plan + v_left_in_lots THEN 'credits_exhausted'
            ELSE 'accepted'
        END;
        -- A message whose recipients are all suppressed is refused, and kept without its body so that it can be seen.
        CONTINUE WHEN v_verdicts[m] NOT IN ('accepted', 'recipients_suppressed');
        FOR n IN 1 .. cardinality(v_rcpts) LOOP
            v_rcpt := v_rcpts[n];
            v_id := v_id || p_ids[m];
            v_n := v_n || (n - 1)::smallint;
            v_to := v_to || v_rcpt;
            IF v_suppressed IS NOT NULL AND lower(v_rcpt) = ANY (v_suppressed) THEN
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
            v_paid_by := v_paid_by || v_lots[v_lot];
        END LOOP;
    END LOOP;

    IF v_id IS NULL THEN
        RETURN QUERY SELECT u.id, u.verdict FROM unnest(p_ids, v_verdicts) AS u (id, verdict);
        RETURN;
    END IF;

    FOR i IN 1 .. coalesce(cardinality(v_lots), 0) LOOP
        CONTINUE WHEN v_lot_drawn[i] = 0;
        UPDATE credit_lot l SET remaining = v_lot_left[i] WHERE l.id = v_lots[i];
        INSERT INTO credit_entry (account_id, lot_id, kind, credits, at)
            VALUES (p_account, v_lots[i], 'used', -v_lot_drawn[i], p_at);
    END LOOP;
    UPDATE account_month SET accepted = accepted + v_used, from_plan = from_plan + v_from_plan
        WHERE account_id = p_account AND month = v_month_start;
    UPDATE stats_hour SET accepted = accepted + v_used, dropped = dropped + v_dropped
        WHERE account_id = p_account AND hour = date_trunc('hour', p_at, v_account.time_zone) AND slot = 0;
    IF NOT FOUND THEN  -- the lock on the month lets nobody else insert it meanwhile
        INSERT INTO stats_hour (account_id, hour, slot, accepted, dropped)
            VALUES (p_account, date_trunc('hour', p_at, v_account.time_zone), 0, v_used, v_dropped);
    END IF;
    IF v_not_used_lately IS NOT NULL THEN
        UPDATE smtp_account c SET last_used_at = p_at WHERE c.id = ANY (v_not_used_lately);
    END IF;

    INSERT INTO message (id, account_id, smtp_account_id, received_at, mail_from, header_from, subject,
                         message_id_header, size, recipients, smtputf8, body_8bit, client_address, client_helo, tls_version)
        SELECT u.id, p_account, u.credential, p_at, u.mail_from, u.header_from, u.subject, u.header, length(u.raw),
               cardinality(string_to_array(u.rcpts, E'\n')), u.smtputf8, u.body_8bit, u.address, u.helo, u.tls
        FROM unnest(p_ids, v_verdicts, p_credentials, p_mail_from, p_rcpt_to, p_header_from, p_subject,
                    p_message_id_header, p_raw, p_smtputf8, p_body_8bit, p_client_address, p_client_helo, p_tls_version)
             AS u (id, verdict, credential, mail_from, rcpts, header_from, subject, header, raw,
                   smtputf8, body_8bit, address, helo, tls)
        WHERE u.verdict IN ('accepted', 'recipients_suppressed');
    INSERT INTO message_body (message_id, raw)
        SELECT u.id, u.raw FROM unnest(p_ids, v_verdicts, p_raw) AS u (id, verdict, raw) WHERE u.verdict = 'accepted';
    INSERT INTO recipient (message_id, n, account_id, rcpt_to, domain, state, state_at, lot_id)
        SELECT u.id, u.n, p_account, u.rcpt, split_part(u.rcpt, '@', -1), u.state, p_at, u.paid_by
        FROM unnest(v_id, v_n, v_to, v_state, v_paid_by) AS u (id, n, rcpt, state, paid_by);
    INSERT INTO relay.due (message_id, n, reseller_id, account_id, lane, next_at, accepted_at)
        SELECT u.id, u.n, p_reseller, p_account, hashtext(split_part(u.rcpt, '@', -1)), p_at, p_at
        FROM unnest(v_id, v_n, v_to, v_state) AS u (id, n, rcpt, state) WHERE u.state = 'queued';
    IF v_dropped > 0 THEN
        INSERT INTO event (message_id, n, at, account_id, kind)
            SELECT u.id, u.n, p_at, p_account, 'dropped'
            FROM unnest(v_id, v_n, v_state) AS u (id, n, state) WHERE u.state = 'dropped';
    END IF;

    RETURN QUERY SELECT u.id, u.verdict FROM unnest(p_ids, v_verdicts) AS u (id, verdict);
END $$;
REVOKE ALL ON FUNCTION accept FROM PUBLIC;
