-- What a worker needs of the recipients it has just claimed. The body comes with the first recipient of each message
-- (those of one message follow one another) when it is at most p_inline bytes; larger ones are fetched one at a time.
--
-- A loop of plain look-ups, not a join: with the id as a parameter each opens the one partition it needs.
CREATE OR REPLACE FUNCTION claimed(p_due relay.due[], p_inline integer) RETURNS SETOF relay.claimed
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
DECLARE
    v_due relay.due;
    v_claimed relay.claimed;
    v_before uuid;
BEGIN
    FOREACH v_due IN ARRAY p_due LOOP
        IF v_due.rcpt_to IS NOT NULL THEN  -- paid for by an allotment: all but the content came along
            SELECT v_due.reseller_id, v_due.account_id, v_due.message_id, v_due.n, v_due.lane, v_due.attempts,
                   v_due.accepted_at, v_due.rcpt_to, split_part(v_due.rcpt_to, '@', -1), v_due.mail_from,
                   v_due.header_from, v_due.smtputf8, v_due.body_8bit, v_due.size,
                   (SELECT b.raw FROM message_body b
                    WHERE b.message_id = v_due.message_id AND v_due.size <= p_inline
                      AND v_due.message_id IS DISTINCT FROM v_before),
                   v_due.envelope_id, v_due.dsn_return, v_due.dsn,
                   EXISTS (SELECT FROM suppression s
                           WHERE s.account_id = v_due.account_id AND s.address = lower(v_due.rcpt_to))
                INTO v_claimed;
            v_before := v_due.message_id;
            RETURN NEXT v_claimed;
            CONTINUE;
        END IF;
        SELECT v_due.reseller_id, v_due.account_id, v_due.message_id, v_due.n, v_due.lane, v_due.attempts,
               v_due.accepted_at, r.rcpt_to, r.domain, m.mail_from, m.header_from, m.smtputf8, m.body_8bit, m.size, NULL, m.envelope_id,
               m.dsn_return, r.dsn,
               EXISTS (SELECT FROM suppression s
                       WHERE s.account_id = v_due.account_id AND s.address = lower(r.rcpt_to))
            INTO v_claimed
            FROM recipient r, message m
            WHERE r.message_id = v_due.message_id AND r.n = v_due.n AND m.id = v_due.message_id;
        CONTINUE WHEN NOT FOUND;
        IF v_due.message_id IS DISTINCT FROM v_before AND v_claimed.size <= p_inline THEN
            SELECT raw INTO v_claimed.raw FROM message_body WHERE message_id = v_due.message_id;
        END IF;
        v_before := v_due.message_id;
        RETURN NEXT v_claimed;
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION claimed FROM PUBLIC;
