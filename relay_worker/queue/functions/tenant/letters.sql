-- Letters of the reseller itself: invoices, reminders and warnings. Like the delivery reports it sends they are mail of
-- account 0: no credit, no cap and no statistics of any account has to do with them.

-- Put a letter into the queue; false, and nothing written, while the reseller may not send. Its envelope sender is the null
-- one, so that nobody answers by machine (RFC 3834 4). Open to the reseller's own role: it writes in no other's schema,
-- since it finds out by itself in whose it stands.
CREATE OR REPLACE FUNCTION queue_letter(
    p_id uuid, p_at timestamptz, p_header_from text, p_rcpt_to text, p_subject text, p_message_id_header text,
    p_smtputf8 boolean, p_body_8bit boolean, p_raw bytea
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    v_reseller integer := own_reseller();
    v_domain text := split_part(p_rcpt_to, '@', -1);
BEGIN
    IF v_reseller IS NULL THEN
        RETURN false;
    END IF;
    INSERT INTO message (id, account_id, smtp_account_id, received_at, mail_from, header_from, subject,
                         message_id_header, size, recipients, smtputf8, body_8bit, client_address, client_helo, tls_version)
        VALUES (p_id, 0, 0, p_at, '', p_header_from, p_subject, p_message_id_header, octet_length(p_raw), 1,
                p_smtputf8, p_body_8bit, '', '', '');
    INSERT INTO message_body (message_id, raw) VALUES (p_id, p_raw);
    INSERT INTO recipient (message_id, n, account_id, rcpt_to, domain, state, state_at)
        VALUES (p_id, 0, 0, p_rcpt_to, v_domain, 'queued', p_at);
    INSERT INTO relay.due (message_id, n, reseller_id, account_id, lane, next_at, accepted_at)
        SELECT p_id, 0, v_reseller, 0, coalesce(s.lane, hashtext(d.domain)), p_at, p_at
        FROM (SELECT v_domain) AS d (domain) LEFT JOIN relay.site s USING (domain);
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION queue_letter FROM PUBLIC;
GRANT EXECUTE ON FUNCTION queue_letter TO {role};
