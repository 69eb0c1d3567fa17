-- Our addresses as the workers know them: who sends from where, warm-up allowance, and what came of it.

CREATE OR REPLACE FUNCTION relay.ip_pools()
RETURNS TABLE (id integer, reseller_id integer, fallback_id integer, is_default boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT id, reseller_id, fallback_id, is_default FROM platform.ip_pool
$$;

-- All that are not retired; `warming`: the providers for which an address is on the ladder; `absent`: no machine has come
-- for what was handed over for it (handing.sql), so that for a while nothing is.
DROP FUNCTION IF EXISTS relay.ip_addresses();  -- REPLACE can't change what comes back
CREATE FUNCTION relay.ip_addresses()
RETURNS TABLE (id integer, pool_id integer, address text, helo text, active boolean, standing text, warming text[],
               absent boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT a.id, a.pool_id, a.address, a.helo, a.state = 'active', a.standing,
           ARRAY(SELECT w.provider FROM platform.ip_warmup w WHERE w.ip_id = a.id AND w.finished_on IS NULL),
           coalesce(a.absent_at > now() - interval '5 minutes', false)
    FROM platform.ip_address a WHERE a.state <> 'retired' ORDER BY a.id
$$;

-- Whatever the rows may say, a pool that is dedicated to one reseller serves no other.
CREATE OR REPLACE FUNCTION relay.pool_assignments()
RETURNS TABLE (reseller_id integer, account_id bigint, pool_id integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.reseller_id, s.account_id, s.pool_id
    FROM platform.pool_assignment s JOIN platform.ip_pool p ON p.id = s.pool_id
    WHERE p.reseller_id IS NULL OR p.reseller_id = s.reseller_id
$$;

-- Take allowance of warming addresses, or give it back: for each wish what was granted. All workers together never hold
-- more than the day's stage gives; the row of the day is their one till. In the order of its key, so that two workers
-- never wait for each other crosswise.
CREATE OR REPLACE FUNCTION relay.take_allowance(p_wishes relay.allowance[]) RETURNS SETOF relay.allowance
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    v_wish relay.allowance;
    v_day platform.ip_warmup_day;
BEGIN
    FOR v_wish IN SELECT * FROM unnest(p_wishes) u ORDER BY u.ip_id, u.provider, u.day LOOP
        INSERT INTO platform.ip_warmup_day (ip_id, provider, day, stage, per_day)
            SELECT w.ip_id, w.provider, v_wish.day, w.stage, w.per_day FROM platform.ip_warmup w
            WHERE w.ip_id = v_wish.ip_id AND w.provider = v_wish.provider AND w.finished_on IS NULL
            ON CONFLICT DO NOTHING;
        SELECT * INTO v_day FROM platform.ip_warmup_day d
            WHERE d.ip_id = v_wish.ip_id AND d.provider = v_wish.provider AND d.day = v_wish.day FOR UPDATE;
        CONTINUE WHEN NOT FOUND;
        -- After a step back more may be out than the lower stage gives: then nothing is left.
        v_wish.recipients := CASE WHEN v_wish.recipients < 0 THEN greatest(v_wish.recipients, -v_day.taken)
                                  ELSE greatest(least(v_wish.recipients, v_day.per_day - v_day.taken), 0) END;
        UPDATE platform.ip_warmup_day d SET taken = d.taken + v_wish.recipients
            WHERE d.ip_id = v_wish.ip_id AND d.provider = v_wish.provider AND d.day = v_wish.day;
        RETURN NEXT v_wish;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION relay.count_address_results(p_counts relay.address_count[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO platform.ip_result AS r (ip_id, provider, hour, delivered, deferred, throttled, blocked, bounced)
    SELECT c.ip_id, c.provider, c.hour, c.delivered, c.deferred, c.throttled, c.blocked, c.bounced
    FROM unnest(p_counts) c JOIN platform.ip_address a ON a.id = c.ip_id ORDER BY c.ip_id, c.provider, c.hour
    ON CONFLICT (ip_id, provider, hour) DO UPDATE
        SET delivered = r.delivered + excluded.delivered, deferred = r.deferred + excluded.deferred,
            throttled = r.throttled + excluded.throttled, blocked = r.blocked + excluded.blocked,
            bounced = r.bounced + excluded.bounced
$$;

-- The provider of a mail server, among those that addresses are warmed up for; by the suffixes of the traffic rules.
CREATE OR REPLACE FUNCTION relay.warmup_provider(p_server text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce((SELECT t.name FROM relay.traffic_rule t CROSS JOIN unnest(t.mx_suffixes) AS suffix
                     WHERE t.name IN ('google', 'microsoft', 'yahoo', 'apple')
                       AND right('.' || lower(p_server), length(suffix) + 1) = '.' || suffix LIMIT 1), 'other')
$$;

-- A recipient has complained of mail that left from this address and was taken by that server. An address that is not
-- ours changes nothing. Called where a complaint is recorded.
CREATE OR REPLACE FUNCTION relay.count_complaint(p_address text, p_server text, p_at timestamptz) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO platform.ip_result AS r (ip_id, provider, hour, complained)
    SELECT a.id, relay.warmup_provider(p_server), date_trunc('hour', p_at, 'UTC'), 1
    FROM platform.ip_address a WHERE a.address = p_address
    ON CONFLICT (ip_id, provider, hour) DO UPDATE SET complained = r.complained + 1
$$;

REVOKE ALL ON FUNCTION relay.ip_pools, relay.ip_addresses, relay.pool_assignments, relay.take_allowance,
    relay.count_address_results, relay.count_complaint, relay.warmup_provider FROM PUBLIC;
GRANT EXECUTE ON FUNCTION relay.ip_pools, relay.ip_addresses, relay.pool_assignments, relay.take_allowance,
    relay.count_address_results TO frankpost_relay;
