-- The door at delivery: up to p_limit due recipients, leased to p_lease for p_seconds.
--
-- Fair by construction: resellers are visited in turn, beginning after p_after (the last one served), each for at most
-- p_per_reseller; within a reseller lanes are visited in turn from the random place p_start, each for at most
-- p_per_lane, oldest first. Lanes in p_exclude are left alone. A visit is one descent of the index due_ready, so the
-- cost does not grow with what is queued.
--
-- A reseller whose rows can't be read (its schema is broken, or locked by a migration) holds up nobody else: what was
-- taken of it stays leased, and comes back when the lease ends.
CREATE OR REPLACE FUNCTION relay.claim(
    p_lease uuid, p_limit integer, p_seconds integer, p_after integer, p_start integer,
    p_per_reseller integer, p_per_lane integer, p_exclude integer[], p_inline integer
) RETURNS SETOF relay.claimed
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s' AS $$
DECLARE
    v_taken relay.due[];
    v_more relay.due[];
    v_group record;
    v_pauses boolean := EXISTS (SELECT FROM relay.active_pause);
    v_rounds integer := 0;
BEGIN
    PERFORM relay.wake_due(1000);
    LOOP  -- a round gives each reseller its share; another one follows while there is room and mail
        v_more := relay.take(p_lease, p_limit - coalesce(cardinality(v_taken), 0), p_seconds, p_after, p_start,
                             p_per_reseller, p_per_lane, p_exclude);
        EXIT WHEN v_more IS NULL;
        IF v_pauses THEN
            v_more := relay.set_aside(v_more);
            v_rounds := v_rounds + 1;
        END IF;
        v_taken := v_taken || v_more;
        -- With millions paused that nobody has met yet, a claim does its share of setting them aside, and no more.
        EXIT WHEN cardinality(v_taken) >= p_limit OR v_rounds >= 20;
    END LOOP;
    -- In the order in which resellers were visited: the caller goes on behind the last one.
    FOR v_group IN
        SELECT r.key, r.id, g.due
        FROM (SELECT t.reseller_id, array_agg(t::relay.due ORDER BY t.message_id, t.n) AS due
              FROM unnest(v_taken) t GROUP BY t.reseller_id) g
        JOIN platform.reseller r ON r.id = g.reseller_id
        ORDER BY r.id <= p_after, r.id
    LOOP
        BEGIN
            RETURN QUERY EXECUTE format('SELECT * FROM %I.claimed($1, $2)', 'r_' || v_group.key)
                USING v_group.due, p_inline;
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING 'reseller % can''t be read: %', v_group.id, SQLERRM;
        END;
    END LOOP;
END $$;

-- One round: ready recipients of each reseller in turn, lane by lane, leased; NULL when there are none. One statement,
-- so that hundreds of resellers with a message each cost little more than one with hundreds.
CREATE OR REPLACE FUNCTION relay.take(
    p_lease uuid, p_limit integer, p_seconds integer, p_after integer, p_start integer,
    p_per_reseller integer, p_per_lane integer, p_exclude integer[]
) RETURNS relay.due[] LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_taken relay.due[];
BEGIN
    WITH RECURSIVE reseller (id, wrapped) AS (
        -- From one reseller with mail to the next, up from p_after to the highest and then from the lowest to p_after.
        -- A NULL stands for the end of the way up. Read only as far as the limit below asks.
        SELECT (SELECT min(d.reseller_id) FROM relay.due d WHERE d.ready AND d.reseller_id > p_after), false
        UNION ALL
        SELECT (SELECT min(d.reseller_id) FROM relay.due d
                WHERE d.ready AND d.reseller_id > coalesce(r.id, -1)), r.wrapped OR r.id IS NULL
        FROM reseller r
        WHERE NOT r.wrapped OR r.id < p_after
    ), picked AS (
        SELECT of_reseller.ctid
        FROM reseller r
        CROSS JOIN LATERAL (
            SELECT of_lane.ctid
            FROM (WITH RECURSIVE lane (id, wrapped) AS (
                      SELECT (SELECT min(d.lane) FROM relay.due d
                              WHERE d.ready AND d.reseller_id = r.id AND d.lane >= p_start), false
                      UNION ALL
                      SELECT (SELECT min(d.lane) FROM relay.due d
                              WHERE d.ready AND d.reseller_id = r.id AND d.lane > coalesce(l.id::bigint, -2147483649)),
                             l.wrapped OR l.id IS NULL
                      FROM lane l
                      WHERE NOT l.wrapped OR l.id < p_start
                  )
                  SELECT l.id FROM lane l
                  WHERE l.id IS NOT NULL AND (NOT l.wrapped OR l.id < p_start) AND l.id <> ALL (p_exclude)) lane
            CROSS JOIN LATERAL (
                SELECT d.ctid FROM relay.due d
                WHERE d.ready AND d.reseller_id = r.id AND d.lane = lane.id
                ORDER BY d.next_at LIMIT p_per_lane FOR UPDATE SKIP LOCKED) of_lane
            LIMIT p_per_reseller) of_reseller
        WHERE r.id IS NOT NULL AND (NOT r.wrapped OR r.id <= p_after)
        LIMIT p_limit
    ), leased AS (
        UPDATE relay.due d SET ready = false, lease = p_lease, next_at = now() + make_interval(secs => p_seconds)
        FROM picked WHERE d.ctid = picked.ctid RETURNING d.*
    )
    SELECT array_agg(l::relay.due) INTO v_taken FROM leased l;
    RETURN v_taken;
END $$;

-- Make ready what has waited long enough: deferred mail whose time has come, and claims whose holder is gone. For a
-- moment after a restart of the server nobody is taken for gone: who held a lease through it has results to record, and
-- what is claimed again before that is sent twice.
CREATE OR REPLACE FUNCTION relay.wake_due(p_limit integer) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    UPDATE relay.due d SET ready = true, lease = NULL
    FROM (SELECT w.ctid FROM relay.due w WHERE NOT w.ready AND w.next_at <= now()
          AND (w.lease IS NULL OR pg_postmaster_start_time() < now() - interval '5 seconds')
          ORDER BY w.next_at LIMIT p_limit FOR UPDATE SKIP LOCKED) late
    WHERE d.ctid = late.ctid
$$;

-- Keep the lease on these for another p_seconds; what another has claimed meanwhile is his.
CREATE OR REPLACE FUNCTION relay.renew(p_lease uuid, p_seconds integer, p_ids uuid[], p_ns smallint[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE relay.due d SET next_at = now() + make_interval(secs => p_seconds)
    FROM unnest(p_ids, p_ns) AS u (id, n)
    WHERE d.message_id = u.id AND d.n = u.n AND d.lease = p_lease
$$;

-- Is anything due that nobody holds? Asked by the sweep.
CREATE OR REPLACE FUNCTION relay.anything_due() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM relay.due WHERE ready)
        OR EXISTS (SELECT FROM relay.due WHERE NOT ready AND next_at <= now())
$$;

-- The accepted bytes of one message, for those too large to come with the claim.
CREATE OR REPLACE FUNCTION relay.body(p_reseller integer, p_id uuid) RETURNS bytea
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_raw bytea;
BEGIN
    EXECUTE format('SELECT raw FROM %I.message_body WHERE message_id = $1',
                   (SELECT 'r_' || key FROM platform.reseller WHERE id = p_reseller)) INTO v_raw USING p_id;
    RETURN v_raw;
END $$;

-- Whose mark the mail of this account and domain bears. Hosts are "" where the reseller has none.
DROP FUNCTION IF EXISTS relay.sender(integer, bigint, text);  -- REPLACE can't change what comes back
CREATE FUNCTION relay.sender(p_reseller integer, p_account bigint, p_domain text)
RETURNS TABLE (selector text, sealed_key bytea, return_path_verified boolean, list_unsubscribe boolean,
               require_tls boolean, own_domain text, own_selector text, own_sealed_key bytea,
               return_path_host text, smtp_host text, tracking_host text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT m.*, $3, $4, $5 FROM %I.sender_marks($1, $2) m',
                                (SELECT 'r_' || key FROM platform.reseller WHERE id = p_reseller))
        USING p_account, p_domain, relay.hostname_of(p_reseller, 'return_path'),
              relay.hostname_of(p_reseller, 'smtp'), relay.hostname_of(p_reseller, 'tracking');
END $$;

-- The oldest hostname of a reseller for a purpose; "" where it has none.
CREATE OR REPLACE FUNCTION relay.hostname_of(p_reseller integer, p_purpose text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce((SELECT name FROM platform.hostname WHERE reseller_id = p_reseller AND purpose = p_purpose
                     ORDER BY created_at, name LIMIT 1), '')
$$;

REVOKE ALL ON FUNCTION relay.claim, relay.take, relay.wake_due, relay.renew, relay.anything_due, relay.body,
    relay.sender, relay.hostname_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION relay.claim, relay.renew, relay.anything_due, relay.body, relay.sender TO frankpost_relay;
GRANT EXECUTE ON FUNCTION relay.anything_due TO frankpost_web;
