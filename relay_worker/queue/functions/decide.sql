-- The policy of acceptance, and nothing else: reads and writes no table. Given how an account stands, says for each of
-- its messages whether it is taken, and for each recipient of those what is written and who pays.
--
-- A message is taken whole or not at all. Suppressed recipients are dropped and cost nothing. The plan pays first, then
-- the lots in the order in which they come, then overage where it is agreed, whose lot is 0. What they or a cap don't cover
-- is refused, or held where the account wants that: then it costs nothing yet, and as long as there is room what comes
-- after it waits behind it. What comes too fast is refused for the moment, and never held.
--
-- It is one function for all resellers for a reason: with hundreds of them in a batch, code that every reseller has a
-- copy of is never in the processor's cache.
CREATE OR REPLACE FUNCTION relay.decide(p_messages relay.submission[], p_standing relay.standing)
RETURNS relay.decision
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_left_in_cap bigint := p_standing.left_in_cap;  -- NULL: no cap
    v_left_in_day bigint := p_standing.left_in_day;
    v_left_in_minute bigint := p_standing.left_in_minute;
    v_left_in_plan bigint := p_standing.left_in_plan;
    v_left_in_lots bigint := 0;
    v_left_in_overage bigint := coalesce(p_standing.left_in_overage, 0);
    v_lot integer := 1;
    v_lot_left bigint[] := p_standing.lot_left;
    v_drawn bigint[];
    v_message relay.submission;
    v_verdict text;
    v_verdicts text[];
    v_rcpts text[];
    v_rcpt text;
    v_billable bigint;
    v_used bigint := 0;
    v_from_plan bigint := 0;
    v_from_overage bigint := 0;
    v_dropped bigint := 0;
    v_hold_room bigint := p_standing.hold_room;  -- NULL: nothing is held
    v_hold_bytes bigint := p_standing.hold_bytes;
    v_held bigint := 0;
    v_ids uuid[];
    v_ns smallint[];
    v_to text[];
    v_states text[];
    v_paid_by bigint[];
    v_asked text[];  -- of one message, for each recipient
    v_dsn text[];
BEGIN
    FOR i IN 1 .. coalesce(cardinality(v_lot_left), 0) LOOP
        v_left_in_lots := v_left_in_lots + v_lot_left[i];
        v_drawn[i] := 0;
    END LOOP;
    FOREACH v_message IN ARRAY p_messages LOOP
        v_rcpts := string_to_array(v_message.rcpt_to, E'\n');
        v_billable := cardinality(v_rcpts);
        IF p_standing.suppressed IS NOT NULL THEN
            SELECT count(*) INTO v_billable FROM unnest(v_rcpts) r WHERE lower(r) <> ALL (p_standing.suppressed);
        END IF;
        v_verdict := CASE
            WHEN NOT coalesce(v_message.smtp_account_id = ANY (p_standing.credentials), false) THEN 'credential_suspended'
            WHEN v_billable = 0 THEN 'recipients_suppressed'
            WHEN v_used + v_billable > v_left_in_cap THEN 'cap_reached'
            WHEN v_used + v_billable > v_left_in_day THEN 'daily_cap_reached'
            WHEN v_billable > v_left_in_plan + v_left_in_lots + v_left_in_overage THEN 'credits_exhausted'
            -- A message larger than the rate goes when the bucket is full; what it takes too much is waited for later.
            WHEN v_left_in_minute - v_used < least(v_billable, p_standing.minute_rate) THEN 'rate_reached'
            ELSE 'accepted'
        END;
        IF v_billable <= v_hold_room AND v_message.size <= v_hold_bytes
           AND v_verdict IN ('cap_reached', 'daily_cap_reached', 'credits_exhausted', 'accepted')
           AND (v_verdict <> 'accepted' OR p_standing.held OR v_held > 0) THEN
            v_verdict := 'held';
            v_hold_room := v_hold_room - v_billable;
            v_hold_bytes := v_hold_bytes - v_message.size;
            v_held := v_held + v_billable;
        END IF;
        v_verdicts := v_verdicts || v_verdict;
        -- A message whose recipients are all suppressed is refused, and yet written so that the customer can see it.
        CONTINUE WHEN v_verdict NOT IN ('accepted', 'held', 'recipients_suppressed');
        v_asked := string_to_array(v_message.rcpt_dsn, E'\n');  -- NULL when nobody asks for anything
        FOR n IN 1 .. cardinality(v_rcpts) LOOP
            v_rcpt := v_rcpts[n];
            v_ids := v_ids || v_message.message_id;
            v_ns := v_ns || (n - 1)::smallint;
            v_to := v_to || v_rcpt;
            v_dsn := v_dsn || v_asked[n];
            IF p_standing.suppressed IS NOT NULL AND lower(v_rcpt) = ANY (p_standing.suppressed) THEN
                v_states := v_states || 'dropped'::text;
                v_paid_by := v_paid_by || NULL::bigint;
                v_dropped := v_dropped + 1;
                CONTINUE;
            END IF;
            IF v_verdict = 'held' THEN
                v_states := v_states || 'held'::text;
                v_paid_by := v_paid_by || NULL::bigint;
                CONTINUE;
            END IF;
            v_states := v_states || 'queued'::text;
            v_used := v_used + 1;
            IF v_left_in_plan > 0 THEN
                v_left_in_plan := v_left_in_plan - 1;
                v_from_plan := v_from_plan + 1;
                v_paid_by := v_paid_by || NULL::bigint;
                CONTINUE;
            END IF;
            IF v_left_in_lots = 0 THEN
                v_left_in_overage := v_left_in_overage - 1;
                v_from_overage := v_from_overage + 1;
                v_paid_by := v_paid_by || 0::bigint;
                CONTINUE;
            END IF;
            WHILE v_lot_left[v_lot] = 0 LOOP
                v_lot := v_lot + 1;
            END LOOP;
            v_lot_left[v_lot] := v_lot_left[v_lot] - 1;
            v_drawn[v_lot] := v_drawn[v_lot] + 1;
            v_left_in_lots := v_left_in_lots - 1;
            v_paid_by := v_paid_by || p_standing.lots[v_lot];
        END LOOP;
    END LOOP;
    RETURN (v_verdicts, v_ids, v_ns, v_to, v_states, v_paid_by, v_drawn, v_used, v_from_plan, v_dropped, v_dsn, NULL::timestamptz, v_held,
            v_from_overage);
END $$;
REVOKE ALL ON FUNCTION relay.decide FROM PUBLIC;
