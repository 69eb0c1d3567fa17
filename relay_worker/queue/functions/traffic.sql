-- What destinations bear: rules that staff keep, lanes that back off, and which domains share a site.

CREATE OR REPLACE FUNCTION relay.traffic_rules() RETURNS SETOF relay.traffic_rule
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT * FROM relay.traffic_rule ORDER BY name
$$;

CREATE OR REPLACE FUNCTION relay.traffic_reactions() RETURNS SETOF relay.traffic_reaction
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT * FROM relay.traffic_reaction ORDER BY rule, says
$$;

-- A claim sets aside what it meets of these; workers put back what they hold already.
CREATE OR REPLACE FUNCTION relay.paused_lanes() RETURNS SETOF integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT lane FROM relay.active_pause WHERE lane IS NOT NULL AND num_nonnulls(reseller_id, rcpt_domain) = 0
$$;

-- Lanes that have changed since then, by whomever.
CREATE OR REPLACE FUNCTION relay.lane_states(p_since timestamptz) RETURNS SETOF relay.lane_state
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT * FROM relay.lane_state WHERE changed_at >= p_since
$$;

-- The later word counts; but no worker opens a lane that another has closed for longer, and a closure counts however late
-- it is told. In the order of the key, so that two workers never wait for each other crosswise.
CREATE OR REPLACE FUNCTION relay.keep_lane_states(p_states relay.lane_state[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE relay.lane_state kept SET closed_until = u.closed_until
        FROM unnest(p_states) u
        WHERE kept.lane = u.lane AND kept.source = u.source AND kept.changed_at > u.changed_at
          AND u.closed_until > coalesce(kept.closed_until, '-infinity');
    INSERT INTO relay.lane_state AS kept SELECT * FROM unnest(p_states) ORDER BY lane, source
    ON CONFLICT (lane, source) DO UPDATE
        SET connections = excluded.connections, per_minute = excluded.per_minute,
            per_minute_until = excluded.per_minute_until,
            closed_until = greatest(kept.closed_until, excluded.closed_until),
            step = excluded.step, reason = excluded.reason, changed_at = excluded.changed_at,
            site = excluded.site, rule = excluded.rule
        WHERE kept.changed_at <= excluded.changed_at
$$;

-- Mail to these domains goes to one lane from now on. What is due already stays where it is: it is not for long.
CREATE OR REPLACE FUNCTION relay.learn_sites(p_domains text[], p_lanes integer[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO relay.site (domain, lane, seen_at)
    SELECT u.domain, u.lane, now() FROM unnest(p_domains, p_lanes) AS u (domain, lane) ORDER BY u.domain
    ON CONFLICT (domain) DO UPDATE SET lane = excluded.lane, seen_at = excluded.seen_at
$$;

-- Put back what this worker holds and can't send for now; it counts as no attempt.
CREATE OR REPLACE FUNCTION relay.postpone(p_lease uuid, p_ids uuid[], p_ns smallint[], p_until timestamptz[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE relay.due d SET ready = false, lease = NULL, next_at = u.until
    FROM unnest(p_ids, p_ns, p_until) AS u (id, n, until)
    WHERE d.message_id = u.id AND d.n = u.n AND d.lease = p_lease
$$;

-- Forget lanes about which nothing was heard for a day, and sites learnt a month ago: those still in use are learnt anew.
CREATE OR REPLACE FUNCTION relay.forget_traffic() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM relay.lane_state
        WHERE changed_at < now() - interval '1 day' AND coalesce(closed_until, '-infinity') < now();
    DELETE FROM relay.site WHERE seen_at < now() - interval '30 days'
$$;

REVOKE ALL ON FUNCTION relay.traffic_rules, relay.traffic_reactions, relay.paused_lanes, relay.lane_states,
    relay.keep_lane_states, relay.learn_sites, relay.postpone, relay.forget_traffic FROM PUBLIC;
GRANT EXECUTE ON FUNCTION relay.traffic_rules, relay.traffic_reactions, relay.paused_lanes, relay.lane_states,
    relay.keep_lane_states, relay.learn_sites, relay.postpone TO frankpost_relay;
GRANT EXECUTE ON FUNCTION relay.forget_traffic TO frankpost_web;
