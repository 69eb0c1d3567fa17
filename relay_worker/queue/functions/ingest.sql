-- The door at acceptance: everything pending in one call, one transaction; a verdict for each message. Resellers and
-- accounts are taken in order, so that two calls never wait for each other. The content comes in an array of its own.
--
-- What can be done for the whole batch at once is done here: with hundreds of resellers in it, each statement in `accept`
-- runs once for almost every message.
CREATE OR REPLACE FUNCTION relay.ingest(p_at timestamptz, p_batch relay.submission[], p_raws bytea[])
RETURNS TABLE (id uuid, verdict text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_group record;
    v_decision relay.decision;
    v_ids uuid[];
    v_verdicts text[];
    v_due_resellers integer[];
    v_due_accounts bigint[];
    v_due_ids uuid[];
    v_due_ns smallint[];
    v_due_rcpts text[];
    v_due_states text[];
    v_tallies relay.tally[];
BEGIN
    FOR v_group IN
        SELECT r.key, r.state, r.customers_cap, g.*
        FROM (SELECT u.reseller_id, u.account_id, array_agg(u.message_id) AS ids, array_agg(u.raw) AS raws,
                     array_agg(u.smtp_account_id) AS credentials,
                     array_agg((u.reseller_id, u.account_id, u.message_id, u.smtp_account_id, u.mail_from, u.rcpt_to,
                                u.header_from, u.subject, u.message_id_header, u.smtputf8, u.body_8bit, u.client_address,
                                u.client_helo, u.tls_version, u.size, u.envelope_id, u.dsn_return, u.rcpt_dsn
                               )::relay.submission) AS messages
              FROM ROWS FROM (unnest(p_batch), unnest(p_raws)) AS u
                   (reseller_id, account_id, message_id, smtp_account_id, mail_from, rcpt_to, header_from, subject,
                    message_id_header, smtputf8, body_8bit, client_address, client_helo, tls_version, size, envelope_id,
                    dsn_return, rcpt_dsn, raw)
              GROUP BY u.reseller_id, u.account_id) g
        LEFT JOIN platform.reseller r ON r.id = g.reseller_id
        ORDER BY g.reseller_id, g.account_id
    LOOP
        v_ids := v_ids || v_group.ids;
        IF v_group.state IS DISTINCT FROM 'active' THEN
            v_verdicts := v_verdicts || array_fill('reseller_suspended'::text, ARRAY[cardinality(v_group.ids)]);
            CONTINUE;
        END IF;
        EXECUTE format('SELECT * FROM %I.accept($1, $2, $3, $4, $5, $6)', 'r_' || v_group.key)
            INTO v_decision
            USING p_at, v_group.ids, v_group.messages, v_group.raws, v_group.credentials, v_group.customers_cap;
        v_verdicts := v_verdicts || v_decision.verdicts;
        CONTINUE WHEN v_decision.ids IS NULL;
        v_due_resellers := v_due_resellers || array_fill(v_group.reseller_id, ARRAY[cardinality(v_decision.ids)]);
        v_due_accounts := v_due_accounts || array_fill(v_group.account_id, ARRAY[cardinality(v_decision.ids)]);
        v_due_ids := v_due_ids || v_decision.ids;
        v_due_ns := v_due_ns || v_decision.ns;
        v_due_rcpts := v_due_rcpts || v_decision.rcpt_to;
        v_due_states := v_due_states || v_decision.states;
        v_tallies := v_tallies || (v_group.reseller_id, v_group.account_id, v_decision.hour, v_decision.used,
                                   v_decision.dropped)::relay.tally;
    END LOOP;
    INSERT INTO relay.due (message_id, n, reseller_id, account_id, lane, next_at, accepted_at)
        SELECT d.id, d.n, d.reseller_id, d.account_id, coalesce(s.lane, hashtext(split_part(d.rcpt, '@', -1))), p_at, p_at
        FROM unnest(v_due_ids, v_due_ns, v_due_resellers, v_due_accounts, v_due_rcpts, v_due_states)
             AS d (id, n, reseller_id, account_id, rcpt, state)
        LEFT JOIN relay.site s ON s.domain = split_part(d.rcpt, '@', -1)
        WHERE d.state = 'queued';
    -- The counts reach the accounts' hours with the results, many at a time; see relay.post.
    IF v_tallies IS NOT NULL THEN
        INSERT INTO relay.result_log (results, strays, tallies) VALUES ('{}', '{}', v_tallies);
    END IF;
    RETURN QUERY SELECT u.id, u.verdict FROM unnest(v_ids, v_verdicts) AS u (id, verdict);
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
            $q$SELECT m.id, CASE WHEN r.held THEN 'held' WHEN r.taken THEN 'accepted' ELSE 'recipients_suppressed' END
               FROM unnest($1) AS u (id)
               JOIN %1$I.message m ON m.id = u.id
               CROSS JOIN LATERAL (SELECT bool_or(r.state = 'held') AS held, bool_or(r.state <> 'dropped') AS taken
                                   FROM %1$I.recipient r WHERE r.message_id = u.id) r$q$, 'r_' || v_group.key) USING v_group.ids;
    END LOOP;
END $$;

REVOKE ALL ON FUNCTION relay.ingest, relay.known FROM PUBLIC;
GRANT EXECUTE ON FUNCTION relay.ingest, relay.known TO frankpost_relay;
