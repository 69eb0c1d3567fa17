-- Reports that senders have asked for (RFC 3461), reseller by reseller. Called by a job for those that relay.pending_work
-- names; each report is queued once, whatever runs twice.

-- Look at a reseller for reports that have come due; how many there are to send. None while it is suspended.
CREATE OR REPLACE FUNCTION relay.find_notices(p_reseller integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_key text := (SELECT key FROM platform.reseller WHERE id = p_reseller AND state = 'active');
    v_open bigint;
BEGIN
    IF v_key IS NULL THEN
        RETURN 0;
    END IF;
    EXECUTE format('SELECT %I.find_notices()', 'r_' || v_key) INTO v_open;
    RETURN v_open;
END $$;

-- Up to p_limit reports of a reseller that are to be sent.
CREATE OR REPLACE FUNCTION relay.open_notices(p_reseller integer, p_limit integer, p_most integer)
RETURNS TABLE (reseller_id integer, smtp_host text, return_path_host text, message_id uuid, action text, mail_from text,
               envelope_id text, received_at timestamptz, header_from text, subject text, message_id_header text,
               whole boolean, original bytea, company_name text, recipients jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT $1, $2, $3, o.* FROM %I.open_notices($4, $5) o',
                                (SELECT 'r_' || key FROM platform.reseller WHERE id = p_reseller))
        USING p_reseller, relay.hostname_of(p_reseller, 'smtp'), relay.hostname_of(p_reseller, 'return_path'),
              p_limit, p_most;
END $$;

-- Put a report into the queue and close what it reports on, in one transaction; false when that was done already.
CREATE OR REPLACE FUNCTION relay.queue_notice(
    p_at timestamptz, p_message uuid, p_action text, p_ns smallint[], p_report relay.submission, p_raw bytea
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_queued boolean;
BEGIN
    EXECUTE format('SELECT %I.queue_notice($1, $2, $3, $4, $5, $6)',
                   (SELECT 'r_' || key FROM platform.reseller WHERE id = p_report.reseller_id))
        INTO v_queued USING p_at, p_message, p_action, p_ns, p_report, p_raw;
    IF v_queued THEN
        INSERT INTO relay.due (message_id, n, reseller_id, account_id, lane, next_at, accepted_at)
            SELECT p_report.message_id, 0, p_report.reseller_id, 0, coalesce(s.lane, hashtext(d.domain)), p_at, p_at
            FROM (SELECT split_part(p_report.rcpt_to, '@', -1)) AS d (domain) LEFT JOIN relay.site s USING (domain);
    END IF;
    RETURN v_queued;
END $$;

-- Close what must not be sent.
CREATE OR REPLACE FUNCTION relay.drop_notice(p_reseller integer, p_at timestamptz, p_message uuid, p_action text, p_ns smallint[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('SELECT %I.close_notice($1, $2, $3, $4, NULL)',
                   (SELECT 'r_' || key FROM platform.reseller WHERE id = p_reseller))
        USING p_at, p_message, p_action, p_ns;
END $$;

REVOKE ALL ON FUNCTION relay.find_notices, relay.open_notices, relay.queue_notice, relay.drop_notice FROM PUBLIC;
GRANT EXECUTE ON FUNCTION relay.find_notices, relay.open_notices, relay.queue_notice, relay.drop_notice TO frankpost_web;
