-- The door at acceptance: everything pending in one call, one transaction. Arrays run in step, a place for each message;
-- p_rcpt_to holds its recipients, one a line. Resellers and accounts are taken in order, so that two calls never wait
-- for each other. Behind a table that a migration has locked the call gives up, since it would hold up all the others.
CREATE OR REPLACE FUNCTION relay.ingest(
    p_at timestamptz, p_reseller integer[], p_account bigint[],
    p_ids uuid[], p_credentials bigint[], p_mail_from text[], p_rcpt_to text[], p_header_from text[], p_subject text[],
    p_message_id_header text[], p_smtputf8 boolean[], p_body_8bit boolean[], p_client_address text[],
    p_client_helo text[], p_tls_version text[], p_raw bytea[]
) RETURNS TABLE (id uuid, verdict text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
    v_group record;
    v_reseller platform.reseller%ROWTYPE;
BEGIN
    FOR v_group IN
        SELECT u.reseller, u.account, array_agg(u.id) AS ids, array_agg(u.credential) AS credentials,
               array_agg(u.mail_from) AS mail_from, array_agg(u.rcpt_to) AS rcpt_to,
               array_agg(u.header_from) AS header_from, array_agg(u.subject) AS subject, array_agg(u.header) AS header,
               array_agg(u.smtputf8) AS smtputf8, array_agg(u.body_8bit) AS body_8bit,
               array_agg(u.address) AS address, array_agg(u.helo) AS helo, array_agg(u.tls) AS tls,
               array_agg(u.raw) AS raw
        FROM unnest(p_reseller, p_account, p_ids, p_credentials, p_mail_from, p_rcpt_to, p_header_from, p_subject,
                    p_message_id_header, p_smtputf8, p_body_8bit, p_client_address, p_client_helo, p_tls_version, p_raw)
             AS u (reseller, account, id, credential, mail_from, rcpt_to, header_from, subject, header, smtputf8,
                   body_8bit, address, helo, tls, raw)
        GROUP BY u.reseller, u.account ORDER BY u.reseller, u.account
    LOOP
        SELECT * INTO v_reseller FROM platform.reseller r WHERE r.id = v_group.reseller;
        IF NOT FOUND OR v_reseller.state <> 'active' THEN
            RETURN QUERY SELECT u, 'reseller_suspended' FROM unnest(v_group.ids) u;
            CONTINUE;
        END IF;
        RETURN QUERY EXECUTE format(
            'SELECT * FROM %I.accept($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)',
            'r_' || v_reseller.key)
            USING v_group.reseller, v_group.account, p_at, v_group.ids, v_group.credentials, v_group.mail_from,
                  v_group.rcpt_to, v_group.header_from, v_group.subject, v_group.header, v_group.smtputf8,
                  v_group.body_8bit, v_group.address, v_group.helo, v_group.tls, v_group.raw;
    END LOOP;
END $$;

-- Which of these messages an earlier call has written, when its answer was lost on the way: the others may be sent again.
CREATE OR REPLACE FUNCTION relay.known(p_reseller integer[], p_ids uuid[]) RETURNS TABLE (id uuid, verdict text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_group record;
BEGIN
    FOR v_group IN
        SELECT r.key, array_agg(u.id) AS ids
        FROM unnest(p_reseller, p_ids) AS u (reseller, id) JOIN platform.reseller r ON r.id = u.reseller GROUP BY r.key
    LOOP
        RETURN QUERY EXECUTE format(
            $q$SELECT m.id, CASE WHEN b.message_id IS NULL THEN 'recipients_suppressed' ELSE 'accepted' END
               FROM unnest($1) AS u (id)
               JOIN %1$I.message m ON m.id = u.id
               LEFT JOIN %1$I.message_body b ON b.message_id = u.id$q$, 'r_' || v_group.key) USING v_group.ids;
    END LOOP;
END $$;

REVOKE ALL ON FUNCTION relay.ingest, relay.known FROM PUBLIC;
GRANT EXECUTE ON FUNCTION relay.ingest, relay.known TO frankpost_relay;
