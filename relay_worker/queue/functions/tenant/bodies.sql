-- Remove the bodies of these messages as far as all their recipients have ended, where the account keeps none. The
-- messages are locked, in order: of two who end the last two recipients at once, the later one sees both ended.
CREATE OR REPLACE FUNCTION forget_bodies(p_account bigint, p_messages uuid[]) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM FROM account WHERE id = p_account AND NOT keep_bodies;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM FROM message m WHERE m.id = ANY (p_messages) ORDER BY m.id FOR NO KEY UPDATE;
    DELETE FROM message_body b
        WHERE b.message_id = ANY (p_messages)
          AND NOT EXISTS (SELECT FROM recipient r
                          WHERE r.message_id = b.message_id AND r.state IN ('queued', 'deferred', 'held'));
END $$;
REVOKE ALL ON FUNCTION forget_bodies FROM PUBLIC;
