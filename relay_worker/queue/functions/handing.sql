-- Mail that only another machine's addresses may send. A worker that meets it hands it over with a note of the address; the
-- workers of the machine that has it take it from there. Without several machines nobody ever comes here.

-- Hand over what this worker holds; it counts as no attempt. So far ahead that nothing wakes it but what stands below.
CREATE OR REPLACE FUNCTION relay.hand_over(p_lease uuid, p_ids uuid[], p_ns smallint[], p_ips integer[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE relay.due d SET ready = false, lease = NULL, next_at = '9999-12-31Z', for_ip = u.ip, handed_at = now()
    FROM unnest(p_ids, p_ns, p_ips) AS u (id, n, ip)
    WHERE d.message_id = u.id AND d.n = u.n AND d.lease = p_lease
$$;

-- As relay.claim, of what was handed over for one of these addresses: lanes in turn from the random place p_start, each for
-- at most p_per_lane, oldest first.
CREATE OR REPLACE FUNCTION relay.claim_handed(
    p_lease uuid, p_limit integer, p_seconds integer, p_ips integer[], p_start integer, p_per_lane integer,
    p_exclude integer[], p_inline integer
) RETURNS SETOF relay.claimed
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s' AS $$
DECLARE
    v_taken relay.due[];
    v_group record;
BEGIN
    WITH RECURSIVE lane (ip, id, wrapped) AS (
        SELECT u.ip, (SELECT min(d.lane) FROM relay.due d WHERE d.for_ip = u.ip AND d.lane >= p_start), false
        FROM unnest(p_ips) AS u (ip)
        UNION ALL
        SELECT l.ip, (SELECT min(d.lane) FROM relay.due d
                      WHERE d.for_ip = l.ip AND d.lane > coalesce(l.id::bigint, -2147483649)), l.wrapped OR l.id IS NULL
        FROM lane l
        WHERE NOT l.wrapped OR l.id < p_start
    ), picked AS (
        SELECT of_lane.ctid
        FROM lane l
        CROSS JOIN LATERAL (
            SELECT d.ctid FROM relay.due d
            WHERE d.for_ip = l.ip AND d.lane = l.id
            ORDER BY d.handed_at LIMIT p_per_lane FOR UPDATE SKIP LOCKED) of_lane
        WHERE l.id IS NOT NULL AND (NOT l.wrapped OR l.id < p_start) AND l.id <> ALL (p_exclude)
        LIMIT p_limit
    ), leased AS (
        UPDATE relay.due d SET lease = p_lease, next_at = now() + make_interval(secs => p_seconds),
                               for_ip = NULL, handed_at = NULL
        FROM picked WHERE d.ctid = picked.ctid RETURNING d.*
    )
    SELECT array_agg(l::relay.due) INTO v_taken FROM leased l;
    IF v_taken IS NOT NULL AND EXISTS (SELECT FROM relay.active_pause) THEN
        v_taken := relay.set_aside(v_taken);
    END IF;
    FOR v_group IN
        SELECT r.key, r.id, g.due
        FROM (SELECT t.reseller_id, array_agg(t::relay.due ORDER BY t.message_id, t.n) AS due
              FROM unnest(v_taken) t GROUP BY t.reseller_id) g
        JOIN platform.reseller r ON r.id = g.reseller_id
    LOOP
        BEGIN
            RETURN QUERY EXECUTE format('SELECT * FROM %I.claimed($1, $2)', 'r_' || v_group.key)
                USING v_group.due, p_inline;
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING 'reseller % can''t be read: %', v_group.id, SQLERRM;
        END;
    END LOOP;
END $$;

-- Give back to everybody what no worker has taken within p_patience: its machine is away, or has more than it can send. For
-- five minutes nothing more is handed over for such an address. True while something waits for some machine. Called by the
-- sweep.
CREATE OR REPLACE FUNCTION relay.take_back_handed(p_patience interval) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    WITH late AS (
        SELECT w.ctid, w.for_ip FROM relay.due w WHERE w.for_ip IS NOT NULL AND w.handed_at < now() - p_patience
        LIMIT 5000 FOR UPDATE SKIP LOCKED
    ), given_back AS (
        UPDATE relay.due d SET ready = true, next_at = d.accepted_at, for_ip = NULL, handed_at = NULL
        FROM late WHERE d.ctid = late.ctid
    )
    UPDATE platform.ip_address a SET absent_at = now() WHERE a.id IN (SELECT late.for_ip FROM late);
    RETURN EXISTS (SELECT FROM relay.due WHERE for_ip IS NOT NULL);
END $$;

REVOKE ALL ON FUNCTION relay.hand_over, relay.claim_handed, relay.take_back_handed FROM PUBLIC;
GRANT EXECUTE ON FUNCTION relay.hand_over, relay.claim_handed TO frankpost_relay;
GRANT EXECUTE ON FUNCTION relay.take_back_handed TO frankpost_web;
