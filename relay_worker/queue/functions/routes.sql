-- What the relay reads: where a user name leads, and which names it answers to.
CREATE OR REPLACE FUNCTION relay.route(p_user_name text)
RETURNS TABLE (reseller_id integer, reseller_active boolean, account_id bigint, account_active boolean,
               smtp_account_id bigint, credential_active boolean, verifier bytea, domains text[], smtp_host text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_route platform.smtp_route%ROWTYPE;
    v_reseller platform.reseller%ROWTYPE;
BEGIN
    SELECT * INTO v_route FROM platform.smtp_route s WHERE s.user_name = p_user_name;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT * INTO STRICT v_reseller FROM platform.reseller r WHERE r.id = v_route.reseller_id;
    RETURN QUERY EXECUTE format(
        'SELECT $1, $2, $3, d.account_active, $4, $5, $6, d.domains, $7 FROM %I.route_details($3) d',
        'r_' || v_reseller.key)
        USING v_reseller.id, v_reseller.state = 'active', v_route.account_id, v_route.smtp_account_id,
              v_route.state = 'active', v_route.verifier, relay.hostname_of(v_reseller.id, 'smtp');
END $$;

CREATE OR REPLACE FUNCTION relay.hostnames()
RETURNS TABLE (name text, reseller_id integer, certificate bytea, sealed_key bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT h.name, h.reseller_id, h.certificate, h.sealed_key
    FROM platform.hostname h JOIN platform.reseller r ON r.id = h.reseller_id
    WHERE h.purpose = 'smtp' AND r.state = 'active'
$$;

REVOKE ALL ON FUNCTION relay.route, relay.hostnames FROM PUBLIC;
GRANT EXECUTE ON FUNCTION relay.route, relay.hostnames TO frankpost_relay;

-- Figures for the console, over every reseller: today in UTC, and what is queued now.
CREATE OR REPLACE FUNCTION relay.reseller_figures()
RETURNS TABLE (reseller_id integer, accepted bigint, delivered bigint, bounced bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_reseller record;
BEGIN
    FOR v_reseller IN SELECT id, key FROM platform.reseller ORDER BY id LOOP
        RETURN QUERY EXECUTE format(
            'SELECT $1, coalesce(sum(accepted), 0)::bigint, coalesce(sum(delivered), 0)::bigint,
                    coalesce(sum(bounced_hard + bounced_soft + expired), 0)::bigint
             FROM %I.stats_hour WHERE hour >= date_trunc(''day'', now(), ''UTC'')', 'r_' || v_reseller.key)
            USING v_reseller.id;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION relay.queue_by_reseller()
RETURNS TABLE (reseller_id integer, depth bigint, ready bigint, oldest timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT d.reseller_id, count(*), count(*) FILTER (WHERE d.ready), min(d.accepted_at)
    FROM relay.due d GROUP BY d.reseller_id
$$;

REVOKE ALL ON FUNCTION relay.reseller_figures, relay.queue_by_reseller FROM PUBLIC;
GRANT EXECUTE ON FUNCTION relay.reseller_figures, relay.queue_by_reseller TO frankpost_web;
