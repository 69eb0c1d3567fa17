-- One account's messages of a batch: lock, look, decide, write. What was decided goes back to relay.ingest, which alone
-- calls it, inside its transaction, and puts what is due into the queue. The account's row stays locked until the commit:
-- whatever runs at once, no credit is spent twice.
--
-- With hundreds of resellers in one batch this runs once for almost every message, so what counts is how little of it
-- there is: a plain statement for each table, and no expressions that relay.decide could hold for all resellers.
--
-- p_open: an allotment of this account was seen that did not do; p_allotment: the most to allot now, since it has sent
-- before within seconds (see allotments.sql), or 0.
CREATE OR REPLACE FUNCTION accept(
    p_at timestamptz, p_ids uuid[], p_messages relay.submission[], p_raws bytea[], p_credentials bigint[],
    p_customers_cap bigint, p_open boolean, p_allotment integer
) RETURNS relay.decision
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    v_account record;
    v_standing relay.standing;
    v_decision relay.decision;
    v_customers record;
BEGIN
    -- Before the account: everybody of this reseller waits here, so nobody waits in a circle.
    IF p_customers_cap IS NOT NULL THEN
        SELECT * INTO v_customers FROM lock_customers(p_at);
    END IF;
    SELECT id, kind, state, time_zone, monthly_cap, daily_cap, minute_rate, at_quota_end, held_limit, held_bytes,
           (p_at AT TIME ZONE time_zone)::date AS today, date_trunc('month', p_at AT TIME ZONE time_zone)::date AS month,
           -- The month in which the period began, or one before.
           coalesce((period_start - interval '32 days')::date, date_trunc('month', p_at AT TIME ZONE time_zone)::date) AS since,
           period_end,
           -- When the period is over, and not yet renewed, the next has begun.
           CASE WHEN p_at < period_end THEN period_start ELSE coalesce(period_end, 'epoch') END AS period,
           CASE WHEN p_at >= period_end THEN next_quota ELSE plan_quota END AS plan_quota,
           CASE WHEN p_at >= period_end THEN next_overage_quota ELSE overage_quota END AS overage_quota
        INTO v_account FROM account WHERE id = p_messages[1].account_id FOR NO KEY UPDATE;
    IF NOT FOUND OR v_account.state <> 'active' THEN
        v_decision.verdicts := array_fill('account_suspended'::text, ARRAY[cardinality(p_messages)]);
        RETURN v_decision;
    END IF;
    IF p_open THEN
        PERFORM close_allotment(v_account.id, false);
    END IF;

    LOOP
        -- A statement of its own, after the lock: it must see what the one before us has committed.
        SELECT v_account.monthly_cap - count.accepted, greatest(v_account.plan_quota - count.from_plan, 0),
               lot.ids, lot.remaining, credential.ids, suppressed.addresses, credential.not_used_lately,
               NULL, NULL, NULL, NULL, NULL, NULL,  -- what few accounts have, below
               greatest(v_account.overage_quota - count.overage, 0)
            INTO v_standing
            FROM (SELECT array_agg(l.id ORDER BY l.expires_at, l.id) AS ids,
                         array_agg(l.remaining ORDER BY l.expires_at, l.id) AS remaining
                  FROM credit_lot l
                  WHERE l.account_id = v_account.id AND l.remaining > 0 AND l.expires_at > p_at) lot,
                 -- To the minute is enough for "last used", and spares most batches the write.
                 (SELECT array_agg(c.id) AS ids,
                         bool_or(c.last_used_at > p_at - interval '1 minute' IS NOT TRUE) AS not_used_lately
                  FROM smtp_account c
                  WHERE c.id = ANY (p_credentials) AND c.account_id = v_account.id AND c.state = 'active') credential,
                 (SELECT array_agg(s.address) AS addresses
                  FROM unnest(p_messages) m
                  CROSS JOIN LATERAL string_to_table(lower(m.rcpt_to), E'\n') AS r (address)
                  JOIN suppression s ON s.account_id = v_account.id AND s.address = r.address) suppressed,
                 -- A period may have begun in the month before; without a plan it is the month.
                 (SELECT coalesce(sum(c.accepted) FILTER (WHERE c.month = v_account.month), 0) AS accepted,
                         coalesce(sum(c.from_plan) FILTER (WHERE c.period = v_account.period), 0) AS from_plan,
                         coalesce(sum(c.overage) FILTER (WHERE c.period = v_account.period), 0) AS overage
                  FROM account_month c
                  WHERE c.account_id = v_account.id AND c.month >= v_account.since) count;
        IF p_customers_cap IS NOT NULL AND v_account.kind = 'sub' THEN
            v_standing.left_in_cap := least(v_standing.left_in_cap, p_customers_cap - v_customers.accepted);
        END IF;
        IF num_nonnulls(v_account.daily_cap, v_account.minute_rate) > 0 THEN
            SELECT * INTO v_standing.left_in_day, v_standing.left_in_minute
                FROM pace_left(v_account.id, p_at, v_account.today, v_account.daily_cap, v_account.minute_rate);
            v_standing.minute_rate := v_account.minute_rate;
        END IF;
        IF v_account.at_quota_end = 'hold' THEN
            v_standing.hold_room := v_account.held_limit - coalesce(
                (SELECT h.recipients FROM relay.holding h
                 WHERE h.reseller_id = p_messages[1].reseller_id AND h.account_id = v_account.id), 0);
            v_standing.hold_bytes := v_account.held_bytes - coalesce(
                (SELECT h.bytes FROM relay.holding h
                 WHERE h.reseller_id = p_messages[1].reseller_id AND h.account_id = v_account.id), 0);
            v_standing.held := v_standing.hold_room < v_account.held_limit;
        END IF;

        v_decision := relay.decide(p_messages, v_standing);
        -- Nobody is refused for what is allotted and not used: then it is taken back, whoever is spending it, and looked again.
        EXIT WHEN NOT v_decision.verdicts && '{cap_reached,credits_exhausted}' OR close_allotment(v_account.id, true) = 0;
    END LOOP;
    IF v_decision.ids IS NULL THEN
        RETURN v_decision;
    END IF;

    INSERT INTO message (id, account_id, smtp_account_id, received_at, mail_from, header_from, subject,
                         message_id_header, size, recipients, smtputf8, body_8bit, client_address, client_helo,
                         tls_version, envelope_id, dsn_return)
        SELECT m.message_id, m.account_id, m.smtp_account_id, p_at, m.mail_from, m.header_from, m.subject,
               m.message_id_header, m.size, cardinality(string_to_array(m.rcpt_to, E'\n')), m.smtputf8, m.body_8bit,
               m.client_address, m.client_helo, m.tls_version, m.envelope_id, m.dsn_return
        FROM unnest(p_messages) m
        WHERE m.message_id = ANY (v_decision.ids);
    -- What was refused for its suppressed recipients keeps no body.
    INSERT INTO message_body (message_id, raw)
        SELECT m.id, m.raw
        FROM unnest(p_ids, p_raws, v_decision.verdicts) AS m (id, raw, verdict)
        WHERE m.verdict IN ('accepted', 'held');
    INSERT INTO recipient (message_id, n, account_id, rcpt_to, domain, state, state_at, lot_id, dsn)
        SELECT r.id, r.n, v_account.id, r.rcpt, split_part(r.rcpt, '@', -1), r.state, p_at, r.paid_by, nullif(r.dsn, '')
        FROM unnest(v_decision.ids, v_decision.ns, v_decision.rcpt_to, v_decision.states, v_decision.paid_by,
                    v_decision.dsn)
             AS r (id, n, rcpt, state, paid_by, dsn);
    IF array_to_string(v_decision.dsn, '') <> '' THEN
        INSERT INTO relay.pending_work (kind, reseller_id) VALUES ('notices', p_messages[1].reseller_id);
    END IF;
    IF v_decision.dropped > 0 THEN
        INSERT INTO event (message_id, n, at, account_id, kind)
            SELECT r.id, r.n, p_at, v_account.id, 'dropped'
            FROM unnest(v_decision.ids, v_decision.ns, v_decision.states) AS r (id, n, state) WHERE r.state = 'dropped';
    END IF;
    IF v_decision.held > 0 THEN
        PERFORM hold(p_messages[1].reseller_id, v_account.id, p_at, v_decision);
    END IF;

    IF v_decision.used > v_decision.from_plan + v_decision.from_overage THEN
        UPDATE credit_lot l SET remaining = l.remaining - d.drawn
            FROM unnest(v_standing.lots, v_decision.drawn) AS d (lot, drawn) WHERE l.id = d.lot AND d.drawn > 0;
        INSERT INTO credit_entry (account_id, lot_id, kind, credits, at)
            SELECT v_account.id, d.lot, 'used', -d.drawn, p_at
            FROM unnest(v_standing.lots, v_decision.drawn) AS d (lot, drawn) WHERE d.drawn > 0;
    END IF;
    UPDATE account_month SET accepted = accepted + v_decision.used, from_plan = from_plan + v_decision.from_plan,
                             overage = overage + v_decision.from_overage
        WHERE account_id = v_account.id AND month = v_account.month AND period = v_account.period;
    IF NOT FOUND THEN  -- the lock lets nobody else insert it meanwhile
        INSERT INTO account_month (account_id, month, period, accepted, from_plan, overage)
            VALUES (v_account.id, v_account.month, v_account.period, v_decision.used, v_decision.from_plan,
                    v_decision.from_overage);
    END IF;
    IF p_customers_cap IS NOT NULL AND v_account.kind = 'sub' THEN
        UPDATE customers_month SET accepted = accepted + v_decision.used WHERE month = v_customers.month;
    END IF;
    IF num_nonnulls(v_account.daily_cap, v_account.minute_rate) > 0 THEN
        PERFORM count_pace(v_account.id, p_at, v_account.today, v_account.minute_rate, v_decision.used);
    END IF;
    IF v_standing.not_used_lately THEN
        UPDATE smtp_account SET last_used_at = p_at WHERE id = ANY (v_standing.credentials);
    END IF;
    IF p_allotment > 0 AND v_decision.used > 0 AND p_customers_cap IS NULL AND v_account.at_quota_end <> 'hold'
       AND num_nonnulls(v_account.daily_cap, v_account.minute_rate) = 0 THEN
        PERFORM allot(p_messages[1].reseller_id, v_account.id, p_at, p_allotment,
                      v_standing.left_in_cap - v_decision.used, v_standing.left_in_plan - v_decision.from_plan,
                      v_account.month, v_account.period, v_account.period_end, v_account.time_zone);
    END IF;
    v_decision.hour := date_trunc('hour', p_at, v_account.time_zone);
    RETURN v_decision;
END $$;
REVOKE ALL ON FUNCTION accept FROM PUBLIC;
