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
