-- Mail that quota did not cover and that its account has held instead of refused. Held recipients cost nothing and are
-- not in the queue. Everything here locks the account first, as `accept` does: whatever runs at once, no credit is spent
-- twice and none of the held is counted twice.
--
-- `release_held` and `end_held` are open to the reseller's own role: they reach no other reseller's rows, since they find
-- out by themselves in whose schema they stand.

-- Called by `accept` alone, in its transaction, with the account locked: note down what was decided to be held.
CREATE OR REPLACE FUNCTION hold(p_reseller integer, p_account bigint, p_at timestamptz, p_decision relay.decision)
RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    v_bytes bigint;
BEGIN
    -- Each recipient bears its share of the size, so that a message counts once, and less as its recipients go.
    WITH noted AS (
        INSERT INTO held (account_id, message_id, n, held_at, bytes)
            SELECT p_account, r.id, r.n, p_at, ceil((SELECT m.size FROM message m WHERE m.id = r.id)::numeric
                                                    / count(*) OVER (PARTITION BY r.id))
            FROM unnest(p_decision.ids, p_decision.ns, p_decision.states) AS r (id, n, state) WHERE r.state = 'held'
            RETURNING bytes
    )
    SELECT sum(bytes) INTO v_bytes FROM noted;
    INSERT INTO event (message_id, n, at, account_id, kind, outcome_class)
        SELECT r.id, r.n, p_at, p_account, 'held', 'quota'
        FROM unnest(p_decision.ids, p_decision.ns, p_decision.states) AS r (id, n, state) WHERE r.state = 'held';
    INSERT INTO relay.holding AS h (reseller_id, account_id, recipients, bytes, since)
        VALUES (p_reseller, p_account, p_decision.held, v_bytes, p_at)
        ON CONFLICT (reseller_id, account_id) DO UPDATE
        SET recipients = h.recipients + excluded.recipients, bytes = h.bytes + excluded.bytes;
END $$;
REVOKE ALL ON FUNCTION hold FROM PUBLIC;

-- Take out of `held` what has been let go or has ended.
CREATE OR REPLACE FUNCTION unhold(p_reseller integer, p_account bigint, p_ids uuid[], p_ns smallint[]) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    v_bytes bigint;
BEGIN
    WITH gone AS (
        DELETE FROM held h USING unnest(p_ids, p_ns) AS r (id, n)
            WHERE h.account_id = p_account AND h.message_id = r.id AND h.n = r.n RETURNING h.bytes
    )
    SELECT sum(bytes) INTO v_bytes FROM gone;
    DELETE FROM relay.holding
        WHERE reseller_id = p_reseller AND account_id = p_account AND recipients = cardinality(p_ids);
    UPDATE relay.holding SET recipients = recipients - cardinality(p_ids), bytes = bytes - v_bytes,
                             since = (SELECT h.held_at FROM held h WHERE h.account_id = p_account
                                      ORDER BY h.message_id, h.n LIMIT 1)
        WHERE reseller_id = p_reseller AND account_id = p_account;
END $$;
REVOKE ALL ON FUNCTION unhold FROM PUBLIC;

-- Tell relay.holding of accounts with held mail that it does not know, in case it has lost one; whether there were any.
CREATE OR REPLACE FUNCTION find_lost_holding() RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    v_reseller integer := (SELECT id FROM platform.reseller WHERE 'r_' || key = current_schema());
    v_account bigint;
    v_found boolean := false;
BEGIN
    FOR v_account IN
        SELECT a.id FROM account a
        WHERE EXISTS (SELECT FROM held h WHERE h.account_id = a.id)
          AND NOT EXISTS (SELECT FROM relay.holding o WHERE o.reseller_id = v_reseller AND o.account_id = a.id)
        ORDER BY a.id
    LOOP
        PERFORM FROM account WHERE id = v_account FOR NO KEY UPDATE;
        INSERT INTO relay.holding (reseller_id, account_id, recipients, bytes, since)
            SELECT v_reseller, v_account, count(*), sum(h.bytes), min(h.held_at) FROM held h WHERE h.account_id = v_account
            HAVING count(*) > 0
            ON CONFLICT DO NOTHING;
        v_found := v_found OR FOUND;
    END LOOP;
    RETURN v_found;
END $$;
REVOKE ALL ON FUNCTION find_lost_holding FROM PUBLIC;

-- The reseller in whose schema this stands, while it may send; NULL otherwise.
CREATE OR REPLACE FUNCTION own_reseller() RETURNS integer
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT id FROM platform.reseller WHERE 'r_' || key = current_schema() AND state = 'active'
$$;
REVOKE ALL ON FUNCTION own_reseller FROM PUBLIC;

-- Put held recipients of an account into the queue, oldest first, as far as cap, plan, credits and overage cover them now, at
-- most p_most; each is paid for here, exactly as at acceptance. Recipients that are suppressed by now are dropped and
-- cost nothing. Says how many were settled either way; 0: there is nothing more to be done. Their time for delivery
-- begins now.
--
-- The books are kept in the same words as in `accept`, which can't afford the call of a function that both would share.
CREATE OR REPLACE FUNCTION release_held(p_account bigint, p_at timestamptz, p_most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    v_reseller integer := own_reseller();
    v_account record;
    v_held record;
    v_message relay.submission;
    v_messages relay.submission[];
    v_standing relay.standing;
    v_decision relay.decision;
    v_ids uuid[];
    v_ns smallint[];
    v_states text[];
    v_paid_by bigint[];
    v_customers_cap bigint;
    v_customers record;
BEGIN
    -- Before the account, as in `accept`.
    v_customers_cap := customers_cap();
    IF v_customers_cap IS NOT NULL THEN
        SELECT * INTO v_customers FROM lock_customers(p_at);
    END IF;
    SELECT id, kind, time_zone, monthly_cap, daily_cap, minute_rate, (p_at AT TIME ZONE time_zone)::date AS today,
           date_trunc('month', p_at AT TIME ZONE time_zone)::date AS month,
           coalesce((period_start - interval '32 days')::date, date_trunc('month', p_at AT TIME ZONE time_zone)::date) AS since,
           CASE WHEN p_at < period_end THEN period_start ELSE coalesce(period_end, 'epoch') END AS period,
           CASE WHEN p_at >= period_end THEN next_quota ELSE plan_quota END AS plan_quota,
           CASE WHEN p_at >= period_end THEN next_overage_quota ELSE overage_quota END AS overage_quota
        INTO v_account FROM account WHERE id = p_account AND state = 'active' FOR NO KEY UPDATE;
    IF NOT FOUND OR v_reseller IS NULL THEN
        RETURN 0;
    END IF;

    -- One recipient is one message to the policy: here nothing is taken whole or not at all.
    v_message.smtp_account_id := 0;
    FOR v_held IN
        SELECT h.message_id, h.n, r.rcpt_to FROM held h JOIN recipient r ON r.message_id = h.message_id AND r.n = h.n
        WHERE h.account_id = p_account ORDER BY h.message_id, h.n LIMIT p_most
    LOOP
        v_message.message_id := v_held.message_id;
        v_message.rcpt_to := v_held.rcpt_to;
        v_messages := v_messages || v_message;
        v_ids := v_ids || v_held.message_id;
        v_ns := v_ns || v_held.n;
    END LOOP;
    IF v_messages IS NULL THEN
        RETURN 0;
    END IF;

    SELECT v_account.monthly_cap - count.accepted, greatest(v_account.plan_quota - count.from_plan, 0),
           lot.ids, lot.remaining, ARRAY[0::bigint], suppressed.addresses, NULL, NULL, NULL, NULL, NULL, NULL,
           NULL,
           greatest(v_account.overage_quota - count.overage, 0)
        INTO v_standing
        FROM (SELECT array_agg(l.id ORDER BY l.expires_at, l.id) AS ids,
                     array_agg(l.remaining ORDER BY l.expires_at, l.id) AS remaining
              FROM credit_lot l
              WHERE l.account_id = v_account.id AND l.remaining > 0 AND l.expires_at > p_at) lot,
             (SELECT array_agg(s.address) AS addresses
              FROM unnest(v_messages) m
              JOIN suppression s ON s.account_id = v_account.id AND s.address = lower(m.rcpt_to)) suppressed,
             (SELECT coalesce(sum(c.accepted) FILTER (WHERE c.month = v_account.month), 0) AS accepted,
                     coalesce(sum(c.from_plan) FILTER (WHERE c.period = v_account.period), 0) AS from_plan,
                     coalesce(sum(c.overage) FILTER (WHERE c.period = v_account.period), 0) AS overage
              FROM account_month c
              WHERE c.account_id = v_account.id AND c.month >= v_account.since) count;
    IF v_customers_cap IS NOT NULL AND v_account.kind = 'sub' THEN
        v_standing.left_in_cap := least(v_standing.left_in_cap, v_customers_cap - v_customers.accepted);
    END IF;
    -- Of the pace the daily cap alone: the rate is for those who hand us mail, and they have.
    IF v_account.daily_cap IS NOT NULL THEN
        v_standing.left_in_day := (SELECT p.left_in_day FROM pace_left(
            p_account, p_at, v_account.today, v_account.daily_cap, v_account.minute_rate) p);
    END IF;
    v_decision := relay.decide(v_messages, v_standing);
    IF v_decision.states IS NULL THEN
        RETURN 0;
    END IF;

    -- States are there for those only that are taken, in their order.
    SELECT array_agg(h.id ORDER BY h.place), array_agg(h.n ORDER BY h.place),
           array_agg(d.state ORDER BY h.place), array_agg(d.paid_by ORDER BY h.place)
        INTO v_ids, v_ns, v_states, v_paid_by
        FROM (SELECT u.id, u.n, row_number() OVER (ORDER BY u.ordinality) AS place
              FROM unnest(v_ids, v_ns, v_decision.verdicts) WITH ORDINALITY AS u (id, n, verdict)
              WHERE u.verdict IN ('accepted', 'recipients_suppressed')) h
        JOIN unnest(v_decision.states, v_decision.paid_by) WITH ORDINALITY AS d (state, paid_by, place) USING (place);

    UPDATE recipient r SET state = t.state, state_at = p_at, lot_id = t.paid_by
        FROM unnest(v_ids, v_ns, v_states, v_paid_by) AS t (id, n, state, paid_by)
        WHERE r.message_id = t.id AND r.n = t.n;
    INSERT INTO event (message_id, n, at, account_id, kind)
        SELECT t.id, t.n, p_at, p_account, CASE t.state WHEN 'queued' THEN 'released' ELSE t.state END
        FROM unnest(v_ids, v_ns, v_states) AS t (id, n, state)
        ON CONFLICT DO NOTHING;
    PERFORM unhold(v_reseller, p_account, v_ids, v_ns);
    INSERT INTO relay.due (message_id, n, reseller_id, account_id, lane, next_at, accepted_at)
        SELECT t.id, t.n, v_reseller, p_account, coalesce(s.lane, hashtext(r.domain)), p_at, p_at
        FROM unnest(v_ids, v_ns, v_states) AS t (id, n, state)
        JOIN recipient r ON r.message_id = t.id AND r.n = t.n
        LEFT JOIN relay.site s ON s.domain = r.domain
        WHERE t.state = 'queued';

    UPDATE credit_lot l SET remaining = l.remaining - d.drawn
        FROM unnest(v_standing.lots, v_decision.drawn) AS d (lot, drawn) WHERE l.id = d.lot AND d.drawn > 0;
    INSERT INTO credit_entry (account_id, lot_id, kind, credits, at)
        SELECT p_account, d.lot, 'used', -d.drawn, p_at
        FROM unnest(v_standing.lots, v_decision.drawn) AS d (lot, drawn) WHERE d.drawn > 0;
    INSERT INTO account_month AS m (account_id, month, period, accepted, from_plan, overage)
        VALUES (p_account, v_account.month, v_account.period, v_decision.used, v_decision.from_plan,
                v_decision.from_overage)
        ON CONFLICT (account_id, month, period) DO UPDATE
        SET accepted = m.accepted + excluded.accepted, from_plan = m.from_plan + excluded.from_plan,
            overage = m.overage + excluded.overage;
    IF v_customers_cap IS NOT NULL AND v_account.kind = 'sub' THEN
        UPDATE customers_month SET accepted = accepted + v_decision.used WHERE month = v_customers.month;
    END IF;
    IF v_account.daily_cap IS NOT NULL THEN
        PERFORM count_pace(p_account, p_at, v_account.today, v_account.minute_rate, v_decision.used);
    END IF;
    INSERT INTO stats_hour AS s (account_id, hour, slot, accepted, dropped)
        VALUES (p_account, date_trunc('hour', p_at, v_account.time_zone), 0, v_decision.used, v_decision.dropped)
        ON CONFLICT (account_id, hour, slot) DO UPDATE
        SET accepted = s.accepted + excluded.accepted, dropped = s.dropped + excluded.dropped;
    RETURN cardinality(v_ids);
END $$;
REVOKE ALL ON FUNCTION release_held FROM PUBLIC;
GRANT EXECUTE ON FUNCTION release_held TO {role};

-- End held recipients of an account without sending them, oldest first, at most p_most: as 'dropped' by somebody, or as
-- 'expired' when it took too long. p_messages NULL: of every message; p_before NULL: however long they have been held.
-- They were never charged, so the statistics count them among the dropped. Says how many were ended.
CREATE OR REPLACE FUNCTION end_held(
    p_account bigint, p_messages uuid[], p_before timestamptz, p_at timestamptz, p_state text, p_reason text,
    p_most integer
) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    v_reseller integer;
    v_time_zone text;
    v_ids uuid[];
    v_ns smallint[];
BEGIN
    IF p_state NOT IN ('dropped', 'expired') THEN
        RAISE EXCEPTION 'held mail can''t become %', p_state USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT id INTO v_reseller FROM platform.reseller WHERE 'r_' || key = current_schema();
    SELECT time_zone INTO v_time_zone FROM account WHERE id = p_account FOR NO KEY UPDATE;
    SELECT array_agg(h.message_id), array_agg(h.n) INTO v_ids, v_ns
        FROM (SELECT h.message_id, h.n FROM held h
              WHERE h.account_id = p_account AND (p_messages IS NULL OR h.message_id = ANY (p_messages))
                AND (p_before IS NULL OR h.held_at < p_before)
              ORDER BY h.message_id, h.n LIMIT p_most) h;
    IF v_ids IS NULL THEN
        RETURN 0;
    END IF;
    UPDATE recipient r SET state = p_state, state_at = p_at, outcome_class = 'quota'
        FROM unnest(v_ids, v_ns) AS t (id, n) WHERE r.message_id = t.id AND r.n = t.n;
    INSERT INTO event (message_id, n, at, account_id, kind, outcome_class, reply_text)
        SELECT t.id, t.n, p_at, p_account, p_state, 'quota', p_reason FROM unnest(v_ids, v_ns) AS t (id, n)
        ON CONFLICT DO NOTHING;
    PERFORM unhold(v_reseller, p_account, v_ids, v_ns);
    PERFORM forget_bodies(p_account, v_ids);
    INSERT INTO stats_hour AS s (account_id, hour, slot, dropped)
        VALUES (p_account, date_trunc('hour', p_at, v_time_zone), 0, cardinality(v_ids))
        ON CONFLICT (account_id, hour, slot) DO UPDATE SET dropped = s.dropped + excluded.dropped;
    RETURN cardinality(v_ids);
END $$;
REVOKE ALL ON FUNCTION end_held FROM PUBLIC;
GRANT EXECUTE ON FUNCTION end_held TO {role};
