-- Reports that senders have asked for (RFC 3461), inside one reseller: which are due, what goes into them, queueing one.

-- Note the reports that have come due, and settle the requests of all who have ended. A report that a server beyond us
-- sends later (feedback) opens the request again. Says how many are to be sent.
CREATE OR REPLACE FUNCTION find_notices() RETURNS bigint
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    v_ids uuid[];
    v_ns smallint[];
BEGIN
    -- Asked again for as long as reports wait to be sent: where nobody waits for one, this is all there is to it.
    PERFORM FROM recipient WHERE dsn IS NOT NULL AND NOT dsn_settled LIMIT 1;
    IF NOT FOUND THEN
        RETURN (SELECT count(*) FROM notice WHERE closed_at IS NULL);
    END IF;
    WITH settled AS (
        UPDATE recipient SET dsn_settled = true
        WHERE dsn IS NOT NULL AND NOT dsn_settled AND state NOT IN ('held', 'queued', 'deferred')
        RETURNING message_id, n
    ), waiting AS (  -- RFC 3461 leaves open what a delay is; Postfix and Exim, too, speak of it after four hours
        SELECT r.message_id, r.n FROM recipient r
        WHERE r.dsn IS NOT NULL AND NOT r.dsn_settled AND r.dsn ~ '^NOTIFY=[A-Z,]*DELAY'
          AND r.state IN ('held', 'queued', 'deferred')
          AND r.message_id < platform.first_message_id(now() - interval '4 hours')
    )
    SELECT array_agg(u.message_id), array_agg(u.n) INTO v_ids, v_ns
        FROM (SELECT * FROM settled UNION ALL SELECT * FROM waiting) u;
    -- A statement of its own: of those that have ended while it waited it must see how.
    INSERT INTO notice (message_id, n, action, at, status, diagnostic, remote_host)
        SELECT r.message_id, r.n, due.action, coalesce(e.at, r.state_at), coalesce(e.enhanced_code, ''),
               CASE WHEN e.reply_code > 0  -- else no server has said anything
                    THEN concat_ws(' ', e.reply_code, nullif(e.enhanced_code, ''), nullif(e.reply_text, '')) ELSE '' END,
               coalesce(e.remote_host, '')
        FROM unnest(v_ids, v_ns) AS u (id, n)
        JOIN message m ON m.id = u.id AND m.mail_from <> ''  -- nobody to tell, and no report answers another
        JOIN recipient r ON r.message_id = u.id AND r.n = u.n
        CROSS JOIN LATERAL notices_due(r) AS due (action)
        LEFT JOIN LATERAL (
            SELECT * FROM event e WHERE e.message_id = r.message_id AND e.n = r.n AND e.kind = ANY (
                CASE due.action WHEN 'failed' THEN '{bounced,expired,dropped}' WHEN 'relayed' THEN '{delivered}'
                                WHEN 'delivered' THEN '{confirmed}' ELSE '{deferred,delayed}' END::text[])
            ORDER BY e.at DESC LIMIT 1) e ON true
        ON CONFLICT DO NOTHING;
    -- By now everything that could ask for one of these again is forgotten, too.
    DELETE FROM notice WHERE message_id < platform.first_message_id(now() - interval '100 days') AND closed_at IS NOT NULL;
    RETURN (SELECT count(*) FROM notice WHERE closed_at IS NULL);
END $$;

-- Which reports are due for a recipient whose sender asks for some. Without NOTIFY a failure is told, and nothing else.
CREATE OR REPLACE FUNCTION notices_due(p recipient) RETURNS SETOF text
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT 'failed'
    WHERE (p.dsn !~ '^NOTIFY=' OR p.dsn ~ '^NOTIFY=[A-Z,]*FAILURE')
      -- A message all of whose recipients are suppressed when it comes is refused to its sender's face; who is dropped
      -- later has a class that says why.
      AND (p.state IN ('bounced', 'expired') OR p.state = 'dropped' AND (p.outcome_class <> '' OR EXISTS (
          SELECT FROM recipient o WHERE o.message_id = p.message_id AND (o.state <> 'dropped' OR o.outcome_class <> ''))))
    UNION ALL
    -- A server that offers DSN has been told what is asked (handed_on): it tells of the delivery, which we pass on.
    SELECT 'relayed' WHERE p.dsn ~ '^NOTIFY=[A-Z,]*SUCCESS' AND p.state = 'delivered' AND p.outcome_class <> 'handed_on'
    UNION ALL
    SELECT 'delivered' WHERE p.dsn ~ '^NOTIFY=[A-Z,]*SUCCESS' AND p.state = 'delivered' AND EXISTS (
        SELECT FROM event e WHERE e.message_id = p.message_id AND e.n = p.n AND e.kind = 'confirmed')
    UNION ALL
    SELECT 'delayed' WHERE p.dsn ~ '^NOTIFY=[A-Z,]*DELAY' AND (p.state IN ('held', 'queued', 'deferred') OR EXISTS (
        SELECT FROM event e WHERE e.message_id = p.message_id AND e.n = p.n AND e.kind = 'delayed'))
$$;

-- What is to be sent, a row for each message and kind of report, the longest due first. `original`: all of the message
-- where the sender wants that of a failure (RET=FULL) and it is not larger than p_most, else its beginning, which has
-- the header in it; NULL when it is kept no longer.
CREATE OR REPLACE FUNCTION open_notices(p_limit integer, p_most integer)
RETURNS TABLE (message_id uuid, action text, mail_from text, envelope_id text, received_at timestamptz,
               header_from text, subject text, message_id_header text, whole boolean, original bytea,
               company_name text, recipients jsonb)
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT g.message_id, g.action, m.mail_from, m.envelope_id, m.received_at, m.header_from, m.subject,
           m.message_id_header, w.whole, CASE WHEN w.whole THEN b.raw ELSE substring(b.raw FOR 65536) END,
           (SELECT company_name FROM brand), g.recipients
    FROM (SELECT o.message_id, o.action, min(o.at) AS since,
                 jsonb_agg(jsonb_build_object(
                     'n', o.n, 'rcpt_to', r.rcpt_to, 'dsn', r.dsn, 'at', o.at, 'status', o.status,
                     'diagnostic', o.diagnostic, 'remote_host', o.remote_host, 'state', r.state,
                     'outcome_class', r.outcome_class) ORDER BY o.n) AS recipients
          FROM notice o JOIN recipient r ON r.message_id = o.message_id AND r.n = o.n
          WHERE o.closed_at IS NULL
          GROUP BY o.message_id, o.action) g
    JOIN message m ON m.id = g.message_id
    LEFT JOIN message_body b ON b.message_id = m.id
    CROSS JOIN LATERAL (
        SELECT m.dsn_return = 'FULL' AND g.action = 'failed' AND m.size <= p_most AND b.raw IS NOT NULL AS whole) w
    ORDER BY g.since LIMIT p_limit
$$;

-- Write a report as a message of account 0, the reseller itself, and close what it reports on; false, and nothing
-- written, when another has done so meanwhile.
CREATE OR REPLACE FUNCTION queue_notice(
    p_at timestamptz, p_message uuid, p_action text, p_ns smallint[], p_report relay.submission, p_raw bytea
) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF NOT close_notice(p_at, p_message, p_action, p_ns, p_report.message_id) THEN
        RETURN false;
    END IF;
    INSERT INTO message (id, account_id, smtp_account_id, received_at, mail_from, header_from, subject,
                         message_id_header, size, recipients, smtputf8, body_8bit, client_address, client_helo, tls_version)
        VALUES (p_report.message_id, 0, 0, p_at, '', p_report.header_from, p_report.subject, p_report.message_id_header,
                octet_length(p_raw), 1, p_report.smtputf8, p_report.body_8bit, '', '', '');
    INSERT INTO message_body (message_id, raw) VALUES (p_report.message_id, p_raw);
    INSERT INTO recipient (message_id, n, account_id, rcpt_to, domain, state, state_at)
        VALUES (p_report.message_id, 0, 0, p_report.rcpt_to, split_part(p_report.rcpt_to, '@', -1), 'queued', p_at);
    RETURN true;
END $$;

-- Close what is open of these; p_report is NULL for what must not be sent. False, and nothing closed, when not all are
-- open any more.
CREATE OR REPLACE FUNCTION close_notice(
    p_at timestamptz, p_message uuid, p_action text, p_ns smallint[], p_report uuid
) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM FROM notice WHERE message_id = p_message AND action = p_action AND n = ANY (p_ns) AND closed_at IS NULL
        ORDER BY n FOR UPDATE;
    IF (SELECT count(*) FROM notice WHERE message_id = p_message AND action = p_action AND n = ANY (p_ns)
        AND closed_at IS NULL) <> cardinality(p_ns) THEN
        RETURN false;
    END IF;
    UPDATE notice SET report_id = p_report, closed_at = p_at
        WHERE message_id = p_message AND action = p_action AND n = ANY (p_ns);
    RETURN true;
END $$;

REVOKE ALL ON FUNCTION find_notices, notices_due, open_notices, queue_notice, close_notice FROM PUBLIC;
