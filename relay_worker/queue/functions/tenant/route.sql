-- What AUTH needs to know of an account: may it send, and from which domains.
CREATE OR REPLACE FUNCTION route_details(p_account bigint)
RETURNS TABLE (account_active boolean, domains text[])
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT a.state = 'active',
           (SELECT coalesce(array_agg(d.name), '{}') FROM domain d WHERE d.account_id = a.id AND d.state = 'verified')
    FROM account a WHERE a.id = p_account
$$;
REVOKE ALL ON FUNCTION route_details FROM PUBLIC;

-- The domain and key that sign for p_domain of this account; no row when the account has no such domain any more.
CREATE OR REPLACE FUNCTION signing_key(p_account bigint, p_domain text)
RETURNS TABLE (selector text, sealed_key bytea, return_path_verified boolean)
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT k.selector, k.sealed_key, d.return_path_verified
    FROM domain d JOIN dkim_key k ON k.domain_id = d.id AND k.state = 'active'
    WHERE d.account_id = p_account AND d.name = p_domain
$$;
REVOKE ALL ON FUNCTION signing_key FROM PUBLIC;
