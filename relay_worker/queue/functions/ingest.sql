-- The door at acceptance: everything pending in one call, one transaction; a verdict for each message. Resellers and
-- accounts are taken in order, so that two calls never wait for each other. The content comes in an array of its own.
--
-- What can be done for the whole batch at once is done here: with hundreds of resellers in it, each statement in `accept`
-- runs once for almost every message.
--
-- p_allotment: the most recipients that an account may be allotted at once; 0: none is.
CREATE OR REPLACE FUNCTION relay.ingest(
    p_at timestamptz, p_batch relay.submission[], p_raws bytea[], p_allotment integer
)
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
    v_spent relay.allotment[] := CASE WHEN p_allotment > 0 THEN relay.spend_allotments(p_at, p_batch) END;
    v_done boolean;
    v_allotted_ids uuid[];  -- messages that an allotment has paid for, and out of which lot
    v_allotted_lots bigint[];
    v_sender_resellers integer[];
    v_sender_accounts bigint[];
BEGIN
    FOR v_group IN
        SELECT r.key, r.state, r.customers_cap, s.lot_id, s.hour, coalesce(a.size, 0) > 0 AS open,
               a.used_at > p_at - interval '10 seconds' IS TRUE AS busy, g.*
        FROM (SELECT u.reseller_id, u.account_id, array_agg(u.message_id) AS ids, array_agg(u.raw) AS raws,
                     array_agg(u.smtp_account_id) AS credentials, string_agg(u.rcpt_to, E'\n') AS rcpts,
                     sum(1 + length(u.rcpt_to) - length(replace(u.rcpt_to, E'\n', '')))::integer AS recipients,
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
        LEFT JOIN unnest(v_spent) s ON s.reseller_id = g.reseller_id AND s.account_id = g.account_id
        LEFT JOIN relay.allotment a ON a.reseller_id = g.reseller_id AND a.account_id = g.account_id
        ORDER BY g.reseller_id, g.account_id
    LOOP
        v_ids := v_ids || v_group.ids;
        IF v_group.state IS DISTINCT FROM 'active' THEN
            v_verdicts := v_verdicts || array_fill('reseller_suspended'::text, ARRAY[cardinality(v_group.ids)]);
            IF v_group.hour IS NOT NULL THEN  -- it was active when this batch began to wait for another that spends, too
                PERFORM relay.unspend(v_group.reseller_id, v_group.account_id, v_group.recipients);
            END IF;
            CONTINUE;
        END IF;
        IF v_group.hour IS NOT NULL THEN
            EXECUTE format('SELECT %I.accept_allotted($1, $2, $3, $4)', 'r_' || v_group.key)
                INTO v_done USING v_group.account_id, v_group.ids, v_group.rcpts, v_group.raws;
            IF v_done THEN
                v_verdicts := v_verdicts || array_fill('accepted'::text, ARRAY[cardinality(v_group.ids)]);
                v_allotted_ids := v_allotted_ids || v_group.ids;
                v_allotted_lots := v_allotted_lots || array_fill(v_group.lot_id, ARRAY[cardinality(v_group.ids)]);
                v_tallies := v_tallies || (v_group.reseller_id, v_group.account_id, v_group.hour, v_group.recipients,
                                           0)::relay.tally;
                CONTINUE;
            END IF;
            -- One of the recipients is suppressed, and costs nothing: this is for the books.
            EXECUTE format('SELECT %I.lock_spender($1)', 'r_' || v_group.key) USING v_group.account_id;
            PERFORM relay.unspend(v_group.reseller_id, v_group.account_id, v_group.recipients);
        END IF;
        EXECUTE format('SELECT * FROM %I.accept($1, $2, $3, $4, $5, $6, $7, $8)', 'r_' || v_group.key)
            INTO v_decision
            USING p_at, v_group.ids, v_group.messages, v_group.raws, v_group.credentials, v_group.customers_cap,
                  v_group.open, CASE WHEN v_group.busy THEN p_allotment ELSE 0 END;
        v_verdicts := v_verdicts || v_decision.verdicts;
        CONTINUE WHEN v_decision.ids IS NULL;
        v_due_resellers := v_due_resellers || array_fill(v_group.reseller_id, ARRAY[cardinality(v_decision.ids)]);
        v_due_accounts := v_due_accounts || array_fill(v_group.account_id, ARRAY[cardinality(v_decision.ids)]);
        v_due_ids := v_due_ids || v_decision.ids;
        v_due_ns := v_due_ns || v_decision.ns;
        v_due_rcpts := v_due_rcpts || v_decision.rcpt_to;
        v_due_states := v_due_states || v_decision.states;
        v_sender_resellers := v_sender_resellers || v_group.reseller_id;
        v_sender_accounts := v_sender_accounts || v_group.account_id;
        v_tallies := v_tallies || (v_group.reseller_id, v_group.account_id, v_decision.hour, v_decision.used,
                                   v_decision.dropped)::relay.tally;
    END LOOP;
    INSERT INTO relay.due (message_id, n, reseller_id, account_id, lane, next_at, accepted_at)
        SELECT d.id, d.n, d.reseller_id, d.account_id, coalesce(s.lane, hashtext(split_part(d.rcpt, '@', -1))), p_at, p_at
        FROM unnest(v_due_ids, v_due_ns, v_due_resellers, v_due_accounts, v_due_rcpts, v_due_states)
             AS d (id, n, reseller_id, account_id, rcpt, state)
        LEFT JOIN relay.site s ON s.domain = split_part(d.rcpt, '@', -1)
        WHERE d.state = 'queued';
    INSERT INTO relay.due (message_id, n, reseller_id, account_id, lane, next_at, accepted_at, rcpt_to, mail_from,
                           header_from, smtputf8, body_8bit, size, envelope_id, dsn_return, dsn)
        SELECT m.message_id, r.n - 1, m.reseller_id, m.account_id,
               coalesce(s.lane, hashtext(split_part(r.rcpt, '@', -1))), p_at, p_at, r.rcpt, m.mail_from, m.header_from,
               m.smtputf8, m.body_8bit, m.size, m.envelope_id, m.dsn_return, nullif(r.dsn, '')
        FROM unnest(p_batch) m
        CROSS JOIN LATERAL ROWS FROM (string_to_table(m.rcpt_to, E'\n'), string_to_table(m.rcpt_dsn, E'\n'))
            WITH ORDINALITY AS r (rcpt, dsn, n)
        LEFT JOIN relay.site s ON s.domain = split_part(r.rcpt, '@', -1)
        WHERE m.message_id = ANY (v_allotted_ids);
    IF p_allotment > 0 AND v_sender_accounts IS NOT NULL THEN
        PERFORM relay.note_senders(p_at, v_sender_resellers, v_sender_accounts);
    END IF;
    -- The counts reach the accounts' hours with the results, many at a time, and so does what an allotment has paid for
    -- reach the tables of its reseller; see relay.post.
    IF v_tallies IS NOT NULL THEN
        INSERT INTO relay.result_log (results, strays, tallies, accepted)
            SELECT '{}', '{}', v_tallies,
                   coalesce(array_agg((m::relay.submission, a.lot, p_at)::relay.accepted), '{}')
            FROM unnest(v_allotted_ids, v_allotted_lots) AS a (id, lot) JOIN unnest(p_batch) m ON m.message_id = a.id;
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
            -- What has a body and nothing else is logged, and on its way into the tables.
            $q$SELECT b.message_id, 'accepted' FROM unnest($1) AS u (id) JOIN %1$I.message_body b ON b.message_id = u.id
               WHERE NOT EXISTS (SELECT FROM %1$I.message m WHERE m.id = u.id)
               UNION ALL
               SELECT m.id, CASE WHEN r.held THEN 'held' WHEN r.taken THEN 'accepted' ELSE 'recipients_suppressed' END
               FROM unnest($1) AS u (id)
               JOIN %1$I.message m ON m.id = u.id
               CROSS JOIN LATERAL (SELECT bool_or(r.state = 'held') AS held, bool_or(r.state <> 'dropped') AS taken
                                   FROM %1$I.recipient r WHERE r.message_id = u.id) r$q$, 'r_' || v_group.key) USING v_group.ids;
    END LOOP;
END $$;

REVOKE ALL ON FUNCTION relay.ingest, relay.known FROM PUBLIC;
GRANT EXECUTE ON FUNCTION relay.ingest, relay.known TO frankpost_relay;
