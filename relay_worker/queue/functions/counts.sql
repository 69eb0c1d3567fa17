-- What acceptance and results add to the hourly counts. Reads and writes no table; one copy serves all resellers, as relay.decide does.

-- The counts of one result that moved a recipient. A deferral counts once for a recipient, however often it is put off.
CREATE OR REPLACE FUNCTION relay.count_result(
    p_account bigint, p_hour timestamptz, p_first boolean, p_result relay.result
) RETURNS relay.hour_counts
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (p_account, p_hour,
            (p_result.state = 'delivered')::int,
            (p_result.state = 'deferred' AND p_first)::int,
            (p_result.state = 'bounced' AND p_result.bounce_kind = 'hard')::int,
            (p_result.state = 'bounced' AND p_result.bounce_kind = 'soft')::int,
            (p_result.state = 'expired')::int, 0, 0);
END $$;

-- One row for each account and hour, in their order.
CREATE OR REPLACE FUNCTION relay.added_up(p_counts relay.hour_counts[]) RETURNS relay.hour_counts[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF cardinality(p_counts) = 1 THEN
        RETURN p_counts;
    END IF;
    RETURN (SELECT array_agg(t::relay.hour_counts ORDER BY t.account_id, t.hour) FROM (
        SELECT c.account_id, c.hour, sum(c.delivered)::int, sum(c.deferred)::int, sum(c.bounced_hard)::int,
               sum(c.bounced_soft)::int, sum(c.expired)::int, sum(c.accepted)::int, sum(c.dropped)::int
        FROM unnest(p_counts) c GROUP BY c.account_id, c.hour) t);
END $$;

REVOKE ALL ON FUNCTION relay.count_result, relay.added_up FROM PUBLIC;
