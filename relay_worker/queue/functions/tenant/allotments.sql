-- Allotments: what an account that sends much may have accepted without a look into its books.
--
-- An allotment has been taken out of the books beforehand, under the account's lock, as if it had been accepted: out of
-- one lot or the plan's quota, and out of what the month's cap leaves. So the books never show more than there is, and
-- acceptance only has to lower one number in a table that all resellers share (relay.spend_allotments). The ledger's entry
-- for what was used is written when the allotment is closed; until then what is left in a lot, and the allotments out of
-- it, are together the sum of its entries.
--
-- One is open for a minute at most, and not beyond the end of an hour, month or period, or the lot's own. It goes back as
-- soon as the account is quiet for some seconds, something changes what it may send, or acceptance has to look into the
-- books again. It is never more than an eighth of what there is, so that the last credits are always counted one by one.

-- Accept messages that an allotment of this account has paid for: true, unless one of their recipients (p_rcpts, a line
-- each) is suppressed: then nothing is written. Here it is the content alone; relay.ingest logs the rest, and relay.post
-- brings it into the tables a moment later, much of it at once, together with what became of it.
CREATE OR REPLACE FUNCTION accept_allotted(p_account bigint, p_ids uuid[], p_rcpts text, p_raws bytea[]) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO message_body (message_id, raw)
        SELECT m.id, m.raw FROM unnest(p_ids, p_raws) AS m (id, raw)
        WHERE NOT EXISTS (SELECT FROM string_to_table(lower(p_rcpts), E'\n') AS r (address)
                          JOIN suppression s ON s.account_id = p_account AND s.address = r.address);
    RETURN FOUND;
END $$;
REVOKE ALL ON FUNCTION accept_allotted FROM PUBLIC;

-- Lock an account of whose allotment the caller has just spent. All others lock the account first and then wait for its
-- allotment: so the caller gives way, and fails, well before Postgres takes it for a deadlock and ends one of the two.
CREATE OR REPLACE FUNCTION lock_spender(p_account bigint) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '200ms' AS $$
BEGIN
    PERFORM FROM account WHERE id = p_account FOR NO KEY UPDATE;
END $$;
REVOKE ALL ON FUNCTION lock_spender FROM PUBLIC;

-- Take an allotment out of the books, of at most p_most recipients; called by `accept`, with the account locked and after
-- everything else is written. p_room: what the month's cap leaves beyond that (NULL: no cap); p_from_plan: what is left of
-- the plan. The plan gives first, then the lot that lapses next. Nothing, when an allotment is still open, or when so
-- little is left that every credit has to be looked at.
CREATE OR REPLACE FUNCTION allot(
    p_reseller integer, p_account bigint, p_at timestamptz, p_most integer, p_room bigint, p_from_plan bigint,
    p_month date, p_period timestamptz, p_period_end timestamptz, p_time_zone text
) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    v_lot record;
    v_size integer;
BEGIN
    IF p_from_plan = 0 THEN
        SELECT id, remaining, expires_at INTO v_lot FROM credit_lot
            WHERE account_id = p_account AND remaining > 0 AND expires_at > p_at ORDER BY expires_at, id LIMIT 1;
        IF NOT FOUND THEN
            RETURN;
        END IF;
    ELSE
        SELECT NULL::bigint AS id, p_from_plan AS remaining, 'infinity'::timestamptz AS expires_at INTO v_lot;
    END IF;
    -- Four times the last one, as long as the account sends: a few of them, and it has all that it can use in a minute.
    UPDATE relay.allotment a
        SET size = n.size, remaining = n.size, last_size = n.size, lot_id = v_lot.id, month = p_month,
            period = p_period, hour = date_trunc('hour', p_at, p_time_zone), used_at = p_at,
            valid_until = least(p_at + interval '1 minute', v_lot.expires_at, p_period_end,
                                date_trunc('hour', p_at, p_time_zone) + interval '1 hour')
        -- One that another batch has locked is left alone: each might wait for the other.
        FROM (SELECT least(p_most, greatest(64, 4 * o.last_size), v_lot.remaining / 8, p_room / 8)::integer AS size
              FROM relay.allotment o WHERE o.reseller_id = p_reseller AND o.account_id = p_account
              FOR UPDATE SKIP LOCKED) n
        WHERE a.reseller_id = p_reseller AND a.account_id = p_account AND a.size = 0 AND n.size >= 4
        RETURNING a.size INTO v_size;
    IF v_size IS NULL THEN
        RETURN;
    END IF;
    UPDATE credit_lot SET remaining = remaining - v_size WHERE id = v_lot.id;
    UPDATE account_month
        SET accepted = accepted + v_size, from_plan = from_plan + CASE WHEN v_lot.id IS NULL THEN v_size ELSE 0 END
        WHERE account_id = p_account AND month = p_month AND period = p_period;
END $$;
REVOKE ALL ON FUNCTION allot FROM PUBLIC;

-- Close the allotment of an account whose row the caller has locked: what was used of it is written down, what was not
-- goes back. Says how much that was. Unless p_wait, one that a batch is spending at this moment stays open.
CREATE OR REPLACE FUNCTION close_allotment(p_account bigint, p_wait boolean) RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    v_reseller integer := (SELECT id FROM platform.reseller WHERE 'r_' || key = current_schema());
    v_open relay.allotment;
BEGIN
    IF p_wait THEN
        SELECT * INTO v_open FROM relay.allotment
            WHERE reseller_id = v_reseller AND account_id = p_account AND size > 0 FOR UPDATE;
    ELSE
        SELECT * INTO v_open FROM relay.allotment
            WHERE reseller_id = v_reseller AND account_id = p_account AND size > 0 FOR UPDATE SKIP LOCKED;
    END IF;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    UPDATE relay.allotment SET size = 0, remaining = 0 WHERE reseller_id = v_reseller AND account_id = p_account;
    IF v_open.lot_id IS NOT NULL AND v_open.remaining < v_open.size THEN
        INSERT INTO credit_entry (account_id, lot_id, kind, credits, at)
            VALUES (p_account, v_open.lot_id, 'used', v_open.remaining - v_open.size, v_open.used_at);
    END IF;
    IF v_open.remaining > 0 THEN
        UPDATE credit_lot SET remaining = remaining + v_open.remaining WHERE id = v_open.lot_id;
        UPDATE account_month
            SET accepted = accepted - v_open.remaining,
                from_plan = from_plan - CASE WHEN v_open.lot_id IS NULL THEN v_open.remaining ELSE 0 END
            WHERE account_id = p_account AND month = v_open.month AND period = v_open.period;
        -- Where a cap on all customers has been set meanwhile, it has counted them from the row above.
        UPDATE customers_month SET accepted = greatest(accepted - v_open.remaining, 0)
            WHERE month = customers_month_of(v_open.used_at)
              AND EXISTS (SELECT FROM account WHERE id = p_account AND kind = 'sub');
    END IF;
    RETURN v_open.remaining;
END $$;
REVOKE ALL ON FUNCTION close_allotment FROM PUBLIC;

-- The same for an account that the caller may not have locked; called by relay.end_allotments and by triggers.
CREATE OR REPLACE FUNCTION end_allotment(p_account bigint) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM FROM relay.allotment a JOIN platform.reseller r ON r.id = a.reseller_id
        WHERE 'r_' || r.key = current_schema() AND a.account_id = p_account AND a.size > 0;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM FROM customers_month ORDER BY month FOR UPDATE;  -- before the account, as everywhere
    PERFORM FROM account WHERE id = p_account FOR NO KEY UPDATE;
    PERFORM close_allotment(p_account, true);
END $$;
REVOKE ALL ON FUNCTION end_allotment FROM PUBLIC;

-- The allotments of this reseller's accounts that are open. To the reseller's own role, too: figures and checks add what
-- is in here to the books.
CREATE OR REPLACE FUNCTION open_allotments()
RETURNS TABLE (account_id bigint, lot_id bigint, size integer, remaining integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT a.account_id, a.lot_id, a.size, a.remaining
    FROM relay.allotment a JOIN platform.reseller r ON r.id = a.reseller_id
    WHERE 'r_' || r.key = current_schema() AND a.size > 0
$$;
REVOKE ALL ON FUNCTION open_allotments FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_allotments TO {role};

-- Bring what relay.ingest has logged into the tables. A recipient whose first result (of p_results, those of one recipient
-- in the order of time) is that it was delivered is written as that, so that no row is changed as soon as it is made. For
-- each result in turn: the account, the hour and the choice to keep bodies of what it was written into, or account 0.
DROP FUNCTION IF EXISTS write_accepted(relay.accepted[]);
CREATE OR REPLACE FUNCTION write_accepted(
    p_accepted relay.accepted[], p_results relay.result[],
    OUT accounts bigint[], OUT hours timestamptz[], OUT keep_bodies boolean[]
)
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO message (id, account_id, smtp_account_id, received_at, mail_from, header_from, subject,
                         message_id_header, size, recipients, smtputf8, body_8bit, client_address, client_helo,
                         tls_version, envelope_id, dsn_return)
        SELECT m.message_id, m.account_id, m.smtp_account_id, a.at, m.mail_from, m.header_from, m.subject,
               m.message_id_header, m.size, cardinality(string_to_array(m.rcpt_to, E'\n')), m.smtputf8, m.body_8bit,
               m.client_address, m.client_helo, m.tls_version, m.envelope_id, m.dsn_return
        FROM unnest(p_accepted) a CROSS JOIN LATERAL (SELECT (a.message).*) m;
    WITH result AS MATERIALIZED (
        SELECT r.i, r.message_id, r.n, r.at, r.outcome_class, r.state = 'delivered'
                   AND (r.message_id, r.n) IS DISTINCT FROM (lag(r.message_id) OVER w, lag(r.n) OVER w) AS at_once
        FROM unnest(p_results) WITH ORDINALITY AS r
             (reseller_id, message_id, n, at, state, bounce_kind, reply_code, enhanced_code, reply_text, remote_host,
              remote_address, tls_version, duration_ms, next_at, outcome_class, source_address, tls_trust, i)
        WINDOW w AS (ORDER BY r.i)
    ), given AS MATERIALIZED (
        SELECT (a.message).message_id, (a.message).account_id, (a.message).rcpt_to, (a.message).rcpt_dsn, a.at, a.lot_id
        FROM unnest(p_accepted) a
    ), written AS (
        INSERT INTO recipient (message_id, n, account_id, rcpt_to, domain, state, state_at, attempts, outcome_class,
                               lot_id, dsn)
            SELECT g.message_id, r.n - 1, g.account_id, r.rcpt, split_part(r.rcpt, '@', -1),
                   CASE WHEN d.i IS NULL THEN 'queued' ELSE 'delivered' END, coalesce(d.at, g.at),
                   CASE WHEN d.i IS NULL THEN 0 ELSE 1 END, coalesce(d.outcome_class, ''), g.lot_id, nullif(r.dsn, '')
            FROM given g
            CROSS JOIN LATERAL ROWS FROM (string_to_table(g.rcpt_to, E'\n'), string_to_table(g.rcpt_dsn, E'\n'))
                WITH ORDINALITY AS r (rcpt, dsn, n)
            LEFT JOIN result d ON d.at_once AND d.message_id = g.message_id AND d.n = r.n - 1
    )
    SELECT array_agg(coalesce(a.id, 0) ORDER BY r.i),
           array_agg(coalesce(date_trunc('hour', r.at, a.time_zone), r.at) ORDER BY r.i),
           array_agg(coalesce(a.keep_bodies, true) ORDER BY r.i)
        INTO accounts, hours, keep_bodies
        FROM result r
        LEFT JOIN given g ON r.at_once AND g.message_id = r.message_id
        LEFT JOIN account a ON a.id = g.account_id;
    IF EXISTS (SELECT FROM unnest(p_accepted) a WHERE (a.message).rcpt_dsn IS NOT NULL) THEN
        INSERT INTO relay.pending_work (kind, reseller_id) VALUES ('notices', (p_accepted[1].message).reseller_id);
    END IF;
END $$;
REVOKE ALL ON FUNCTION write_accepted FROM PUBLIC;
