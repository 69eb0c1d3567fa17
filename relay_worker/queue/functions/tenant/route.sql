-- What AUTH needs to know of an account: may it send, and from which domains.
CREATE OR REPLACE FUNCTION route_details(p_account bigint)
RETURNS TABLE (account_active boolean, domains text[])
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT a.state = 'active',
           (SELECT coalesce(array_agg(d.name), '{}') FROM domain d WHERE d.account_id = a.id AND d.state = 'verified')
    FROM account a WHERE a.id = p_account
$$;
REVOKE ALL ON FUNCTION route_details FROM PUBLIC;

-- Whose mark mail of p_account from p_domain bears: one row, whatever there is of it. Accounts and domains may be gone.
-- Account 0, the reseller itself, is none: the reports it sends come from its hosts, and its letters from the domains of
-- its main account. Of the reseller's own key: only once it is found.
CREATE OR REPLACE FUNCTION sender_marks(p_account bigint, p_domain text)
RETURNS TABLE (selector text, sealed_key bytea, return_path_verified boolean, list_unsubscribe boolean,
               require_tls boolean, own_domain text, own_selector text, own_sealed_key bytea)
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT k.selector, k.sealed_key, coalesce(d.return_path_verified AND k.selector IS NOT NULL, false),
           coalesce(a.list_unsubscribe, false), coalesce(a.require_tls, false), s.name, s.selector, s.sealed_key
    FROM (VALUES (1)) one
    LEFT JOIN account a ON a.id = p_account
    LEFT JOIN domain d ON d.name = p_domain
        AND d.account_id = CASE p_account WHEN 0 THEN (SELECT m.id FROM account m WHERE m.kind = 'main') ELSE a.id END
    LEFT JOIN dkim_key k ON k.domain_id = d.id AND k.state = 'active'
    LEFT JOIN signing_domain s ON s.state = 'verified'
$$;
REVOKE ALL ON FUNCTION sender_marks FROM PUBLIC;
