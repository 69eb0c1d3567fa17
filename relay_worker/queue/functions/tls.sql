-- Transport security: the policies that workers keep, and the sessions they count.

-- Policies fetched since then that still hold: a worker learns of all others' in one statement.
CREATE OR REPLACE FUNCTION relay.mta_sts_policies(p_since timestamptz) RETURNS SETOF relay.mta_sts_policy
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT * FROM relay.mta_sts_policy WHERE fetched_at >= p_since AND expires_at > now()
$$;

-- An older policy that arrives late changes nothing.
CREATE OR REPLACE FUNCTION relay.keep_mta_sts_policy(
    p_domain text, p_id text, p_policy text, p_fetched_at timestamptz, p_expires_at timestamptz
) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO relay.mta_sts_policy AS kept VALUES (p_domain, p_id, p_policy, p_fetched_at, p_expires_at)
    ON CONFLICT (domain) DO UPDATE
        SET id = excluded.id, policy = excluded.policy, fetched_at = excluded.fetched_at, expires_at = excluded.expires_at
        WHERE kept.fetched_at <= excluded.fetched_at
$$;

-- In the order of the key, so that two workers never wait for each other crosswise.
CREATE OR REPLACE FUNCTION relay.count_tls(p_counts relay.tls_count[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO relay.tls_report AS counted
    SELECT * FROM unnest(p_counts) ORDER BY day, policy_domain, policy_type, mx_host, result_type
    ON CONFLICT (day, policy_domain, policy_type, mx_host, result_type) DO UPDATE
        SET sessions = counted.sessions + excluded.sessions, policy = excluded.policy
$$;

-- What was counted on one day (UTC).
CREATE OR REPLACE FUNCTION relay.tls_reports(p_day date) RETURNS SETOF relay.tls_report
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT * FROM relay.tls_report WHERE day = p_day
    ORDER BY policy_domain, policy_type, mx_host, result_type
$$;

-- Forget counts before that day, and policies that no longer hold.
CREATE OR REPLACE FUNCTION relay.forget_tls(p_before date) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM relay.tls_report WHERE day < p_before;
    DELETE FROM relay.mta_sts_policy WHERE expires_at < now()
$$;

REVOKE ALL ON FUNCTION relay.mta_sts_policies, relay.keep_mta_sts_policy, relay.count_tls, relay.tls_reports,
    relay.forget_tls FROM PUBLIC;
GRANT EXECUTE ON FUNCTION relay.mta_sts_policies, relay.keep_mta_sts_policy, relay.count_tls TO frankpost_relay;
GRANT EXECUTE ON FUNCTION relay.tls_reports, relay.forget_tls TO frankpost_web;
