-- What staff see of the queue, and what they may do to it.

-- The whole queue in figures: by reseller, by age, and by destination (the fifty with most recipients, each with one of
-- its domains). Counting a million recipients takes a second or so: then the figures are kept for fifty times as long as
-- they took, so that looking costs at most a fiftieth of one processor, whoever looks and how often.
CREATE OR REPLACE FUNCTION relay.queue_figures() RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_sample relay.queue_sample;
    v_started timestamptz := clock_timestamp();
    v_figures jsonb;
BEGIN
    SELECT * INTO v_sample FROM relay.queue_sample;
    IF v_sample.taken_at + 50 * v_sample.took > v_started
       OR (v_sample.figures IS NOT NULL AND NOT pg_try_advisory_xact_lock(hashtext('relay.queue_figures'))) THEN
        RETURN v_sample.figures;
    END IF;
    v_figures := relay.count_queue();
    IF clock_timestamp() - v_started > interval '20 ms' THEN
        INSERT INTO relay.queue_sample AS s (taken_at, took, figures)
            VALUES (v_started, clock_timestamp() - v_started, v_figures)
            ON CONFLICT (only_row) DO UPDATE
            SET taken_at = excluded.taken_at, took = excluded.took, figures = excluded.figures;
    END IF;
    RETURN v_figures;
END $$;

-- One pass over the queue. Ages are counted up to 1 and 10 minutes, 1, 6 and 24 hours, and beyond.
CREATE OR REPLACE FUNCTION relay.count_queue() RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH counted AS MATERIALIZED (
        SELECT grouping(d.reseller_id) = 0 AS of_reseller, grouping(d.lane) = 0 AS of_lane, d.reseller_id, d.lane, d.age,
               count(*) FILTER (WHERE d.state = 'ready') AS ready,
               count(*) FILTER (WHERE d.state = 'waiting') AS waiting,
               count(*) FILTER (WHERE d.state = 'leased') AS leased,
               count(*) FILTER (WHERE d.state = 'paused') AS paused,
               min(d.accepted_at) AS oldest_at, count(*) AS recipients, any_value(d.message_id) AS example
        FROM (SELECT e.reseller_id, e.lane, e.accepted_at, e.message_id,
                     width_bucket(extract(epoch FROM now() - e.accepted_at)::float8,
                                  '{60, 600, 3600, 21600, 86400}'::float8[]) AS age,
                     CASE WHEN e.paused_by IS NOT NULL THEN 'paused' WHEN e.lease IS NOT NULL THEN 'leased'
                          WHEN e.ready THEN 'ready' ELSE 'waiting' END AS state
              FROM relay.due e) d
        GROUP BY GROUPING SETS ((d.reseller_id), (d.lane), (d.age))
    ), busiest AS (
        SELECT c.*, (SELECT d::relay.due FROM relay.due d WHERE d.message_id = c.example AND d.lane = c.lane LIMIT 1) AS due
        FROM counted c WHERE c.of_lane ORDER BY c.recipients DESC, c.lane LIMIT 50
    ), named AS (
        SELECT p.message_id, p.n, p.rcpt_domain
        FROM relay.places((SELECT array_agg(b.due) FROM busiest b WHERE (b.due).message_id IS NOT NULL)) p
    )
    SELECT jsonb_build_object(
        'taken_at', now(),
        'resellers', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'reseller_id', c.reseller_id, 'ready', c.ready, 'waiting', c.waiting, 'leased', c.leased,
                'paused', c.paused, 'oldest_at', c.oldest_at) ORDER BY c.oldest_at), '[]')
            FROM counted c WHERE c.of_reseller),
        'lanes', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'lane', b.lane, 'domain', n.rcpt_domain, 'ready', b.ready, 'waiting', b.waiting, 'leased', b.leased,
                'paused', b.paused, 'oldest_at', b.oldest_at) ORDER BY b.recipients DESC, b.lane), '[]')
            FROM busiest b LEFT JOIN named n ON n.message_id = (b.due).message_id AND n.n = (b.due).n),
        'ages', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'age', c.age, 'ready', c.ready, 'waiting', c.waiting, 'leased', c.leased, 'paused', c.paused)
                ORDER BY c.age), '[]')
            FROM counted c WHERE c.age IS NOT NULL))
$$;

-- A stretch of the queue behind (p_after, p_after_n), at most p_scan recipients long: what of it is meant, and where it
-- ends. Tools go through the queue stretch by stretch, each in a transaction of its own, so that none of them holds up
-- anything for long, however much is queued.
CREATE OR REPLACE FUNCTION relay.stretch(
    p_wanted relay.selection, p_after uuid, p_after_n smallint, p_scan integer,
    OUT meant relay.due[], OUT scanned integer, OUT last_id uuid, OUT last_n smallint
)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_all relay.due[] := (
        SELECT array_agg(s::relay.due ORDER BY s.message_id, s.n)
        FROM (SELECT d.* FROM relay.due d
              WHERE (d.message_id, d.n) > (p_after, p_after_n)
                -- One message is a range of the index: nobody has to read the queue for it.
                AND d.message_id BETWEEN coalesce(p_wanted.message_id, p_after)
                    AND coalesce(p_wanted.message_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
              ORDER BY d.message_id, d.n LIMIT p_scan) s);
    v_nearly relay.due[] := (
        SELECT array_agg(a::relay.due) FROM unnest(v_all) a
        WHERE relay.fits((p_wanted.reseller_id, p_wanted.account_id, NULL, NULL, p_wanted.lane, p_wanted.message_id,
                          p_wanted.n)::relay.selection, a::relay.due, NULL, NULL));
BEGIN
    scanned := coalesce(cardinality(v_all), 0);
    last_id := v_all[scanned].message_id;
    last_n := v_all[scanned].n;
    IF num_nonnulls(p_wanted.sender_domain, p_wanted.rcpt_domain) = 0 THEN
        meant := v_nearly;
        RETURN;
    END IF;
    SELECT array_agg(d::relay.due) INTO meant
        FROM unnest(v_nearly) d JOIN relay.places(v_nearly) w ON w.message_id = d.message_id AND w.n = d.n
        WHERE relay.fits(p_wanted, d::relay.due, w.sender_domain, w.rcpt_domain);
END $$;

-- Try again at once what of the next stretch waits for its next try. What is paused stays so.
CREATE OR REPLACE FUNCTION relay.retry_now(
    p_wanted relay.selection, p_after uuid, p_after_n smallint, p_scan integer,
    OUT scanned integer, OUT changed integer, OUT in_flight integer, OUT last_id uuid, OUT last_n smallint
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_stretch record;
BEGIN
    SELECT * INTO v_stretch FROM relay.stretch(p_wanted, p_after, p_after_n, p_scan);
    UPDATE relay.due d SET ready = true, next_at = now(), for_ip = NULL, handed_at = NULL
        FROM (SELECT w.ctid FROM unnest(v_stretch.meant) m
              JOIN relay.due w ON w.message_id = m.message_id AND w.n = m.n
              WHERE NOT w.ready AND w.lease IS NULL AND w.paused_by IS NULL
              FOR UPDATE OF w SKIP LOCKED) late
        WHERE d.ctid = late.ctid;
    GET DIAGNOSTICS changed = ROW_COUNT;
    scanned := v_stretch.scanned;
    in_flight := (SELECT count(*) FROM unnest(v_stretch.meant) m WHERE m.lease IS NOT NULL);
    last_id := v_stretch.last_id;
    last_n := v_stretch.last_n;
END $$;

-- Take what is meant out of the next stretch, for good: it ends as 'dropped', with p_reason in its history. What a worker
-- is sending right now is left alone and counted as in flight: its end is not ours to say any more.
--
-- The end is logged as every result is, so that it comes after its message and whatever else is on its way into the
-- tables. What is dropped was accepted and paid for, so it counts as discarded and not as dropped.
CREATE OR REPLACE FUNCTION relay.drop_due(
    p_wanted relay.selection, p_after uuid, p_after_n smallint, p_scan integer, p_at timestamptz, p_reason text,
    OUT scanned integer, OUT changed integer, OUT in_flight integer, OUT last_id uuid, OUT last_n smallint
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_stretch record;
    v_ends relay.result[];
BEGIN
    SELECT * INTO v_stretch FROM relay.stretch(p_wanted, p_after, p_after_n, p_scan);
    WITH dropped AS (
        DELETE FROM relay.due d
        USING (SELECT w.ctid FROM unnest(v_stretch.meant) m
               JOIN relay.due w ON w.message_id = m.message_id AND w.n = m.n
               WHERE w.lease IS NULL FOR UPDATE OF w SKIP LOCKED) free
        WHERE d.ctid = free.ctid RETURNING d.*
    )
    SELECT array_agg((d.reseller_id, d.message_id, d.n, p_at, 'dropped', NULL, 0, '', p_reason, '', '', '', 0, NULL,
                      'withdrawn', '', '')::relay.result)
        INTO v_ends FROM dropped d;
    IF v_ends IS NOT NULL THEN
        INSERT INTO relay.result_log (results, strays, tallies) VALUES (v_ends, '{}', '{}');
        PERFORM relay.post(1000000, '0', true);  -- whoever dropped it is to see it so
    END IF;
    changed := coalesce(cardinality(v_ends), 0);
    scanned := v_stretch.scanned;
    in_flight := coalesce(cardinality(v_stretch.meant), 0) - changed;
    last_id := v_stretch.last_id;
    last_n := v_stretch.last_n;
END $$;

REVOKE ALL ON FUNCTION relay.queue_figures, relay.count_queue, relay.stretch, relay.retry_now, relay.drop_due FROM PUBLIC;
GRANT EXECUTE ON FUNCTION relay.queue_figures, relay.retry_now, relay.drop_due TO frankpost_web;
