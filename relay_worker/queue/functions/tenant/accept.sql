-- One account's messages of a batch: decide each, debit, write. Called by relay.ingest alone, inside its transaction.
--
-- A recipient is a line of p_rcpt_to[message]. A message is taken whole or not at all; suppressed recipients are written
-- as dropped and cost nothing. Plan quota is used first, then lots by oldest expiry. Locks the account's month, then its
-- lots in id order, and holds both until the commit: whatever runs at once, no credit is spent twice.
CREATE OR REPLACE FUNCTION accept(
    p_reseller integer, p_account bigint, p_at timestamptz,
    p_ids uuid[], p_credentials bigint[], p_mail_from text[], p_rcpt_to text[], p_header_from text[], p_subject text[],
    p_message_id_header text[], p_smtputf8 boolean[], p_body_8bit boolean[], p_client_address text[],
    p_client_helo text[], p_tls_version text[], p_raw bytea[]
) RETURNS TABLE (id uuid, verdict text)
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
    v_account account%ROWTYPE;
    v_month date;
    v_left_in_cap bigint;  -- NULL: no cap
    v_left_in_plan bigint;
    v_left_in_lots bigint;
    v_verdicts text[] := '{}';
    v_m integer[];  -- these four run in step, a place for each recipient: message, number, address, suppressed?
    v_n smallint[];
    v_rcpt text[];
    v_suppressed boolean[];
    v_message record;
    v_verdict text;
    v_used bigint := 0;
    v_from_plan bigint;
    v_lots bigint[] := '{}';  -- lots drawn from, and the running count of credits up to and with each
    v_upto bigint[] := '{}';
BEGIN
    SELECT * INTO v_account FROM account WHERE account.id = p_account;
    IF NOT FOUND OR v_account.state <> 'active' THEN
        RETURN QUERY SELECT u, 'account_suspended' FROM unnest(p_ids) u;
        RETURN;
    END IF;

    -- What the account may still send.
    v_month := date_trunc('month', p_at AT TIME ZONE v_account.time_zone);
    SELECT v_account.monthly_cap - accepted, greatest(v_account.plan_quota - from_plan, 0)
        INTO v_left_in_cap, v_left_in_plan
        FROM account_month WHERE account_id = p_account AND month = v_month FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO account_month (account_id, month) VALUES (p_account, v_month) ON CONFLICT DO NOTHING;
        SELECT v_account.monthly_cap - accepted, greatest(v_account.plan_quota - from_plan, 0)
            INTO v_left_in_cap, v_left_in_plan
            FROM account_month WHERE account_id = p_account AND month = v_month FOR UPDATE;
    END IF;
    SELECT coalesce(sum(remaining), 0) INTO v_left_in_lots FROM (
        SELECT remaining FROM credit_lot
        WHERE account_id = p_account AND remaining > 0 AND expires_at > p_at
        ORDER BY credit_lot.id FOR UPDATE
    ) lots;

    SELECT array_agg(message.m), array_agg(r.n - 1), array_agg(r.rcpt), array_agg(s.address IS NOT NULL)
        INTO v_m, v_n, v_rcpt, v_suppressed
        FROM unnest(p_rcpt_to) WITH ORDINALITY AS message (list, m)
        CROSS JOIN LATERAL string_to_table(message.list, E'\n') WITH ORDINALITY AS r (rcpt, n)
        LEFT JOIN suppression s ON s.account_id = p_account AND s.address = lower(r.rcpt);

    FOR v_message IN
        SELECT r.m, count(*) FILTER (WHERE NOT r.suppressed) AS billable, c.state AS credential
        FROM unnest(v_m, v_suppressed) AS r (m, suppressed)
        LEFT JOIN smtp_account c ON c.id = p_credentials[r.m] AND c.account_id = p_account
        GROUP BY r.m, c.state ORDER BY r.m
    LOOP
        v_verdict := CASE
            WHEN v_message.credential IS DISTINCT FROM 'active' THEN 'credential_suspended'
            WHEN v_message.billable = 0 THEN 'recipients_suppressed'
            WHEN v_used + v_message.billable > v_left_in_cap THEN 'cap_reached'
            WHEN v_used + v_message.billable > v_left_in_plan + v_left_in_lots THEN 'credits_exhausted'
            ELSE 'accepted'
        END;
        IF v_verdict = 'accepted' THEN
            v_used := v_used + v_message.billable;
        END IF;
        v_verdicts[v_message.m] := v_verdict;
    END LOOP;

    v_from_plan := least(v_used, v_left_in_plan);
    IF v_used > v_from_plan THEN
        WITH running AS (
            SELECT l.id, l.remaining, sum(l.remaining) OVER (ORDER BY l.expires_at, l.id) AS upto
            FROM credit_lot l WHERE l.account_id = p_account AND l.remaining > 0 AND l.expires_at > p_at
        ), draw AS (
            SELECT r.id, least(r.upto, v_used - v_from_plan) - (r.upto - r.remaining) AS credits,
                   least(r.upto, v_used - v_from_plan) AS upto
            FROM running r WHERE r.upto - r.remaining < v_used - v_from_plan
        ), debited AS (
            UPDATE credit_lot l SET remaining = l.remaining - d.credits FROM draw d WHERE l.id = d.id
        ), entered AS (
            INSERT INTO credit_entry (account_id, lot_id, kind, credits, at)
            SELECT p_account, d.id, 'used', -d.credits, p_at FROM draw d
        )
        SELECT array_agg(d.id ORDER BY d.upto), array_agg(d.upto ORDER BY d.upto) INTO v_lots, v_upto FROM draw d;
    END IF;

    -- A message whose recipients are all suppressed is refused, and kept without its body so that the customer can see it.
    INSERT INTO message (id, account_id, smtp_account_id, received_at, mail_from, header_from, subject,
                         message_id_header, size, recipients, smtputf8, body_8bit, client_address, client_helo, tls_version)
        SELECT u.id, p_account, u.credential, p_at, u.mail_from, u.header_from, u.subject, u.header, length(u.raw),
               (SELECT count(*) FROM unnest(v_m) r (m) WHERE r.m = u.m), u.smtputf8, u.body_8bit, u.address, u.helo, u.tls
        FROM unnest(p_ids, v_verdicts, p_credentials, p_mail_from, p_header_from, p_subject, p_message_id_header, p_raw,
                    p_smtputf8, p_body_8bit, p_client_address, p_client_helo, p_tls_version)
             WITH ORDINALITY
             AS u (id, verdict, credential, mail_from, header_from, subject, header, raw,
                   smtputf8, body_8bit, address, helo, tls, m)
        WHERE u.verdict IN ('accepted', 'recipients_suppressed');
    INSERT INTO message_body (message_id, raw)
        SELECT u.id, u.raw FROM unnest(p_ids, v_verdicts, p_raw) AS u (id, verdict, raw) WHERE u.verdict = 'accepted';

    WITH placed AS (
        SELECT p_ids[r.m] AS id, r.n, r.rcpt, r.suppressed, split_part(r.rcpt, '@', -1) AS domain,
               -- The k-th billed recipient of this call, beginning with those the plan covers.
               sum((NOT r.suppressed)::int) OVER (ORDER BY r.m, r.n) - v_from_plan AS k
        FROM unnest(v_m, v_n, v_rcpt, v_suppressed) AS r (m, n, rcpt, suppressed)
        WHERE v_verdicts[r.m] IN ('accepted', 'recipients_suppressed')
    ), written AS (
        INSERT INTO recipient (message_id, n, account_id, rcpt_to, domain, state, state_at, lot_id)
        SELECT p.id, p.n, p_account, p.rcpt, p.domain, CASE WHEN p.suppressed THEN 'dropped' ELSE 'queued' END, p_at,
               CASE WHEN NOT p.suppressed AND p.k > 0
                    THEN (SELECT l.lot FROM unnest(v_lots, v_upto) AS l (lot, upto)
                          WHERE l.upto >= p.k ORDER BY l.upto LIMIT 1) END
        FROM placed p
    ), dropped AS (
        INSERT INTO event (message_id, n, at, account_id, kind)
        SELECT p.id, p.n, p_at, p_account, 'dropped' FROM placed p WHERE p.suppressed
    )
    INSERT INTO relay.due (message_id, n, reseller_id, account_id, lane, next_at, accepted_at)
        SELECT p.id, p.n, p_reseller, p_account, hashtext(p.domain), p_at, p_at FROM placed p WHERE NOT p.suppressed;

    UPDATE account_month SET accepted = accepted + v_used, from_plan = from_plan + v_from_plan
        WHERE account_id = p_account AND month = v_month AND v_used > 0;
    INSERT INTO stats_hour AS s (account_id, hour, slot, accepted, dropped)
        SELECT p_account, date_trunc('hour', p_at, v_account.time_zone), 0,
               count(*) FILTER (WHERE NOT r.suppressed), count(*) FILTER (WHERE r.suppressed)
        FROM unnest(v_m, v_suppressed) AS r (m, suppressed)
        WHERE v_verdicts[r.m] IN ('accepted', 'recipients_suppressed')
        HAVING count(*) > 0
        ON CONFLICT (account_id, hour, slot) DO UPDATE
        SET accepted = s.accepted + excluded.accepted, dropped = s.dropped + excluded.dropped;
    -- To the minute is enough for "last used", and spares most batches the write.
    UPDATE smtp_account c SET last_used_at = p_at
        WHERE c.id = ANY (p_credentials) AND (c.last_used_at IS NULL OR c.last_used_at < p_at - interval '1 minute');

    RETURN QUERY SELECT u.id, u.verdict FROM unnest(p_ids, v_verdicts) AS u (id, verdict);
END $$;
REVOKE ALL ON FUNCTION accept FROM PUBLIC;
