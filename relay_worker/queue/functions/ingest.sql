-- The door at acceptance: everything pending in one call, one transaction; a verdict for each message. Resellers and
-- accounts are taken in order, so that two calls never wait for each other.
CREATE OR REPLACE FUNCTION relay.ingest(p_at timestamptz, p_batch relay.submission[])
RETURNS TABLE (id uuid, verdict text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_group record;
    v_verdicts text[];
    v_all_ids uuid[];
    v_all_verdicts text[];
BEGIN
    FOR v_group IN
        SELECT r.key, r.state, g.messages, g.ids, g.credentials
        FROM (SELECT m.reseller_id, m.account_id, array_agg(m) AS messages, array_agg(m.message_id) AS ids,
                     array_agg(m.smtp_account_id) AS credentials
              FROM unnest(p_batch) m GROUP BY m.reseller_id, m.account_id) g
        LEFT JOIN platform.reseller r ON r.id = g.reseller_id
        ORDER BY g.reseller_id, g.account_id
    LOOP
        IF v_group.state IS DISTINCT FROM 'active' THEN
            v_verdicts := array_fill('reseller_suspended'::text, ARRAY[cardinality(v_group.ids)]);
        ELSE
            EXECUTE format('SELECT %I.accept($1, $2, $3)', 'r_' || v_group.key)
                INTO v_verdicts USING p_at, v_group.messages, v_group.credentials;
        END IF;
        v_all_ids := v_all_ids || v_group.ids;
        v_all_verdicts := v_all_verdicts || v_verdicts;
    END LOOP;
    RETURN QUERY SELECT u.id, u.verdict FROM unnest(v_all_ids, v_all_verdicts) AS u (id, verdict);
END $$;

-- Which of these messages an earlier call has written, when its answer was lost on the way: the others may be sent again.
CREATE OR REPLACE FUNCTION relay.known(p_reseller integer[], p_ids uuid[]) RETURNS TABLE (id uuid, verdict text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
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
