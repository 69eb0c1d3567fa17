-- What a worker needs of the recipients it has just claimed. The body comes with the first recipient of each message
-- when it is at most p_inline bytes; larger ones are fetched one at a time.
CREATE OR REPLACE FUNCTION claimed(p_ids uuid[], p_ns smallint[], p_inline integer)
RETURNS TABLE (message_id uuid, n smallint, rcpt_to text, domain text, mail_from text, header_from text,
               smtputf8 boolean, body_8bit boolean, size integer, raw bytea)
LANGUAGE sql STABLE SET search_path FROM CURRENT SET plan_cache_mode = force_generic_plan AS $$
    SELECT r.message_id, r.n, r.rcpt_to, r.domain, m.mail_from, m.header_from, m.smtputf8, m.body_8bit, m.size,
           CASE WHEN c.first AND m.size <= p_inline
                THEN (SELECT b.raw FROM message_body b WHERE b.message_id = r.message_id) END
    FROM (SELECT u.id, u.n, row_number() OVER (PARTITION BY u.id ORDER BY u.n) = 1 AS first
          FROM unnest(p_ids, p_ns) AS u (id, n)) c
    JOIN recipient r ON r.message_id = c.id AND r.n = c.n
    JOIN message m ON m.id = c.id
$$;
REVOKE ALL ON FUNCTION claimed FROM PUBLIC;
