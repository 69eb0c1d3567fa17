-- Allotments, as far as they concern all resellers: spending them in acceptance, and ending those that nobody spends.
-- What an allotment is, and its books, are in tenant/allotments.sql.

-- Spend of what is allotted, for each account of the batch whose allotment covers all that it asks for; the rows that
-- gave. An account of a suspended reseller, or under a cap on all customers, has none to spend, and neither has a login
-- that may not send. Rows are locked in order, so that two batches never wait for each other.
CREATE OR REPLACE FUNCTION relay.spend_allotments(p_at timestamptz, p_batch relay.submission[]) RETURNS relay.allotment[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_spent relay.allotment[];
BEGIN
    WITH wanted AS (
        SELECT m.reseller_id, m.account_id, sum(1 + length(m.rcpt_to) - length(replace(m.rcpt_to, E'\n', '')))::integer AS recipients
        FROM unnest(p_batch) m
        GROUP BY m.reseller_id, m.account_id
        HAVING bool_and(EXISTS (
            SELECT FROM platform.smtp_route c
            WHERE c.reseller_id = m.reseller_id AND c.smtp_account_id = m.smtp_account_id
              AND c.account_id = m.account_id AND c.state = 'active'))
    ), covered AS (
        SELECT a.ctid, w.recipients
        FROM wanted w
        JOIN platform.reseller r ON r.id = w.reseller_id AND r.state = 'active' AND r.customers_cap IS NULL
        JOIN relay.allotment a ON a.reseller_id = w.reseller_id AND a.account_id = w.account_id
        WHERE a.remaining >= w.recipients AND a.valid_until > p_at
        ORDER BY a.reseller_id, a.account_id FOR NO KEY UPDATE OF a
    ), spent AS (
        UPDATE relay.allotment a SET remaining = a.remaining - c.recipients, used_at = p_at
        FROM covered c WHERE a.ctid = c.ctid RETURNING a.*
    )
    SELECT array_agg(s::relay.allotment) INTO v_spent FROM spent s;
    RETURN v_spent;
END $$;

-- Take back what this batch has spent for an account and could not use.
CREATE OR REPLACE FUNCTION relay.unspend(p_reseller integer, p_account bigint, p_recipients integer) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    UPDATE relay.allotment SET remaining = remaining + p_recipients
        WHERE reseller_id = p_reseller AND account_id = p_account
$$;

-- Note the accounts that have just sent without an allotment: who does so again within seconds gets one. A row that
-- another batch has locked is left alone: each might wait for the other.
CREATE OR REPLACE FUNCTION relay.note_senders(p_at timestamptz, p_resellers integer[], p_accounts bigint[]) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO relay.allotment (reseller_id, account_id, valid_until, used_at)
        SELECT u.reseller, u.account, p_at, p_at FROM unnest(p_resellers, p_accounts) AS u (reseller, account)
        ORDER BY 1, 2
        ON CONFLICT DO NOTHING;
    UPDATE relay.allotment a SET used_at = p_at
        FROM (SELECT s.ctid FROM unnest(p_resellers, p_accounts) AS u (reseller, account)
              JOIN relay.allotment s ON s.reseller_id = u.reseller AND s.account_id = u.account
              WHERE s.used_at < p_at AND s.size = 0 FOR UPDATE OF s SKIP LOCKED) seen
        WHERE a.ctid = seen.ctid
$$;

-- End the allotments of accounts that have not sent since p_before, and those whose time is over, at most p_limit: what
-- was not used goes back into the books. Says how many it has ended; they are locked until the caller commits, so it asks
-- for few at a time. A reseller whose schema can't take it is left for the next time.
CREATE OR REPLACE FUNCTION relay.end_allotments(p_before timestamptz, p_limit integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_idle record;
    v_ended integer := 0;
BEGIN
    FOR v_idle IN
        SELECT a.reseller_id, a.account_id, a.size, r.key
        FROM relay.allotment a LEFT JOIN platform.reseller r ON r.id = a.reseller_id
        WHERE a.used_at < p_before OR (a.size > 0 AND a.valid_until < p_before)
        ORDER BY a.reseller_id, a.account_id
    LOOP
        EXIT WHEN v_ended >= p_limit;
        BEGIN
            IF v_idle.size > 0 AND v_idle.key IS NOT NULL THEN
                EXECUTE format('SELECT %I.end_allotment($1)', 'r_' || v_idle.key) USING v_idle.account_id;
            END IF;
            DELETE FROM relay.allotment a
                WHERE a.reseller_id = v_idle.reseller_id AND a.account_id = v_idle.account_id AND a.used_at < p_before
                  AND (a.size = 0 OR v_idle.key IS NULL);
            v_ended := v_ended + 1;
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING 'reseller %: the allotment of account % stays: %', v_idle.reseller_id, v_idle.account_id, SQLERRM;
        END;
    END LOOP;
    RETURN v_ended;
END $$;

-- Recipients of an account that allotments have paid for since then and that are in no table yet: see relay.post.
CREATE OR REPLACE FUNCTION relay.only_logged(p_reseller integer, p_account bigint, p_since timestamptz) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(sum(cardinality(string_to_array((a.message).rcpt_to, E'\n'))), 0)
    FROM (SELECT l.accepted FROM relay.result_log l UNION ALL SELECT u.accepted FROM relay.unrecorded u) w
    CROSS JOIN unnest(w.accepted) a
    WHERE (a.message).reseller_id = p_reseller AND (a.message).account_id = p_account AND a.at >= p_since
$$;

-- Trigger on every reseller's accounts and their lots: what an account may send, or what pays for it, has changed.
CREATE OR REPLACE FUNCTION relay.take_back_allotment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('SELECT %I.end_allotment($1)', TG_TABLE_SCHEMA)
        USING CASE TG_TABLE_NAME WHEN 'account' THEN (to_jsonb(NEW) ->> 'id')::bigint
                                 ELSE (to_jsonb(NEW) ->> 'account_id')::bigint END;
    RETURN NULL;
END $$;

REVOKE ALL ON FUNCTION relay.spend_allotments, relay.unspend, relay.note_senders, relay.end_allotments,
    relay.only_logged, relay.take_back_allotment FROM PUBLIC;
GRANT EXECUTE ON FUNCTION relay.end_allotments TO frankpost_web;
