-- Giving back what was paid for and never tried.

-- True for an event that says nothing of any server: a fault of ours, a lane that stayed closed until the time was up, and
-- whatever befell a recipient that was still waiting. Everything else is a try, also when nobody answered.
CREATE OR REPLACE FUNCTION is_no_try(p_event event) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT AS $$
    SELECT p_event.kind IN ('held', 'released', 'dropped') OR p_event.outcome_class = 'internal'
        OR (p_event.outcome_class = 'expired' AND p_event.remote_host = '')
$$;
REVOKE ALL ON FUNCTION is_no_try FROM PUBLIC;

-- Recipients of an account that were paid for and ended without a try, and have not been given back: they expired, were
-- suppressed while they waited, or were taken out of the queue. What was dropped at acceptance, or ended while it was held,
-- has cost nothing and is not among them. `paid_at`: when they were counted.
CREATE OR REPLACE FUNCTION untried(p_account bigint, p_most integer)
RETURNS TABLE (message_id uuid, n smallint, lot_id bigint, paid_at timestamptz)
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT r.message_id, r.n, r.lot_id,
           coalesce((SELECT max(f.at) FROM event f
                     WHERE f.message_id = e.message_id AND f.n = e.n AND f.kind = 'released'), m.received_at)
    FROM event e
    JOIN recipient r ON r.message_id = e.message_id AND r.n = e.n AND r.state = e.kind
    JOIN message m ON m.id = e.message_id
    WHERE e.account_id = p_account
      AND ((e.kind = 'expired' AND e.outcome_class IN ('internal', 'expired'))
           OR (e.kind = 'dropped' AND e.outcome_class IN ('suppressed', 'withdrawn')))
      AND NOT EXISTS (SELECT FROM credit_refund g WHERE g.message_id = e.message_id AND g.n = e.n)
      AND NOT EXISTS (SELECT FROM event t WHERE t.message_id = e.message_id AND t.n = e.n AND NOT is_no_try(t))
    ORDER BY r.message_id, r.n LIMIT p_most
$$;
REVOKE ALL ON FUNCTION untried FROM PUBLIC;

-- Give back up to p_most of them: to the lot that paid, to a new one that lapses at p_lapses where that has lapsed, or to
-- the plan's count, or that of overage (lot 0), of the period in which they were counted. Says how many; 0: there is nothing more to give back.
--
-- Open to the reseller's own role: it reaches no other reseller's rows.
CREATE OR REPLACE FUNCTION refund_untried(p_account bigint, p_at timestamptz, p_lapses timestamptz, p_most integer)
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    v_account account;
    v_ids uuid[];
    v_ns smallint[];
    v_paid_at timestamptz[];
    v_paid_by bigint[];
    v_lots bigint[];
    v_lapsed bigint;
    v_new_lot bigint;
BEGIN
    -- Counts of all customers together, where there are any, are locked before the account, as in `accept`.
    PERFORM FROM customers_month ORDER BY month FOR UPDATE;
    SELECT * INTO v_account FROM account WHERE id = p_account FOR NO KEY UPDATE;
    SELECT array_agg(u.message_id), array_agg(u.n), array_agg(u.paid_at), array_agg(u.lot_id)
        INTO v_ids, v_ns, v_paid_at, v_paid_by FROM untried(p_account, p_most) u;
    IF v_ids IS NULL THEN
        RETURN 0;
    END IF;

    SELECT count(*) INTO v_lapsed
        FROM unnest(v_paid_by) AS u (lot) JOIN credit_lot l ON l.id = u.lot AND l.expires_at <= p_at;
    IF v_lapsed > 0 THEN
        INSERT INTO credit_lot (account_id, credits, remaining, origin, acquired_at, expires_at)
            VALUES (p_account, v_lapsed, 0, 'returned', p_at, p_lapses) RETURNING id INTO v_new_lot;
    END IF;
    SELECT array_agg(CASE WHEN l.expires_at <= p_at THEN v_new_lot ELSE u.lot END ORDER BY u.place) INTO v_lots
        FROM unnest(v_paid_by) WITH ORDINALITY AS u (lot, place) LEFT JOIN credit_lot l ON l.id = u.lot;

    INSERT INTO credit_refund (message_id, n, account_id, lot_id, at)
        SELECT u.id, u.n, p_account, u.lot, p_at FROM unnest(v_ids, v_ns, v_lots) AS u (id, n, lot);
    UPDATE credit_lot l SET remaining = l.remaining + g.credits
        FROM (SELECT u.lot, count(*) AS credits FROM unnest(v_lots) AS u (lot) GROUP BY u.lot) g WHERE l.id = g.lot;
    INSERT INTO credit_entry (account_id, lot_id, kind, credits, at)
        SELECT p_account, u.lot, 'refunded', count(*), p_at
        FROM unnest(v_lots) AS u (lot) WHERE u.lot > 0 GROUP BY u.lot ORDER BY u.lot;
    PERFORM uncount(v_account, v_paid_at, v_paid_by);
    RETURN cardinality(v_ids);
END $$;
REVOKE ALL ON FUNCTION refund_untried FROM PUBLIC;
GRANT EXECUTE ON FUNCTION refund_untried TO {role};

-- Take recipients out of the counts in which they were counted, so that caps and plan have room for them again: the
-- account's month and period, and the month of all customers together. p_paid_by NULL: the plan has covered them; 0: they
-- were overage.
CREATE OR REPLACE FUNCTION uncount(p_account account, p_paid_at timestamptz[], p_paid_by bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE account_month m
        SET accepted = greatest(m.accepted - c.recipients, 0), from_plan = greatest(m.from_plan - c.from_plan, 0),
            overage = greatest(m.overage - c.overage, 0)
        FROM (SELECT x.month, x.period, count(*) AS recipients, count(*) FILTER (WHERE u.lot IS NULL) AS from_plan,
                     count(*) FILTER (WHERE u.lot = 0) AS overage
              FROM unnest(p_paid_at, p_paid_by) AS u (at, lot)
              CROSS JOIN LATERAL (
                  -- The period that had begun last by then; of an account that has changed its time zone since, perhaps
                  -- under the month beside.
                  SELECT a.month, a.period FROM account_month a
                  WHERE a.account_id = p_account.id AND a.period <= u.at
                  ORDER BY abs(a.month - date_trunc('month', u.at AT TIME ZONE p_account.time_zone)::date), a.period DESC
                  LIMIT 1) x
              GROUP BY x.month, x.period) c
        WHERE m.account_id = p_account.id AND m.month = c.month AND m.period = c.period;
    IF p_account.kind = 'sub' THEN
        UPDATE customers_month m SET accepted = greatest(m.accepted - c.recipients, 0)
            FROM (SELECT customers_month_of(u.at) AS month, count(*) AS recipients
                  FROM unnest(p_paid_at) AS u (at) GROUP BY 1) c
            WHERE m.month = c.month;
    END IF;
END $$;
REVOKE ALL ON FUNCTION uncount FROM PUBLIC;
