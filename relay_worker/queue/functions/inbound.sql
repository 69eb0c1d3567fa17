-- Mail that comes back: kept by the relay, read and applied by a job.

-- Whose inbound address this is. `ours`: false for a host that is nobody's here. p_domain: the sending domain when the
-- host has the form of a customer's own return path, else ''. p_message: the message that the address names; it must
-- be of the very reseller whose host it is. What an allotment has paid for may be sent, and bounce, while only its body is
-- in the tables.
CREATE OR REPLACE FUNCTION relay.inbound_owner(
    p_host text, p_domain text, p_message uuid, OUT ours boolean, OUT reseller_id integer
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_candidate record;
    v_has_it boolean := true;
BEGIN
    ours := false;
    FOR v_candidate IN
        SELECT r.id, r.key FROM platform.hostname h JOIN platform.reseller r ON r.id = h.reseller_id
        WHERE h.name = p_host AND h.purpose = 'return_path'
        UNION
        SELECT r.id, r.key FROM relay.return_path_domain d JOIN platform.reseller r ON r.id = d.reseller_id
        WHERE d.domain = p_domain
        ORDER BY id
    LOOP
        ours := true;
        IF p_message IS NOT NULL THEN
            EXECUTE format('SELECT EXISTS (SELECT FROM %1$I.message WHERE id = $1)
                                OR EXISTS (SELECT FROM %1$I.message_body WHERE message_id = $1)', 'r_' || v_candidate.key)
                INTO v_has_it USING p_message;
        END IF;
        IF v_has_it THEN
            reseller_id := v_candidate.id;
            RETURN;
        END IF;
    END LOOP;
END $$;

-- Keep one mail for each of its recipients; durable when the call is.
CREATE OR REPLACE FUNCTION relay.keep_inbound(
    p_at timestamptz, p_mail_from text, p_client text, p_raw bytea, p_resellers integer[], p_kinds text[], p_rcpts text[]
) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO relay.inbound (reseller_id, kind, mail_from, rcpt_to, client_address, received_at, raw)
    SELECT u.reseller, u.kind, p_mail_from, u.rcpt, p_client, p_at, p_raw
    FROM unnest(p_resellers, p_kinds, p_rcpts) AS u (reseller, kind, rcpt)
$$;

-- Take up to p_limit unread mails to read, oldest first. Nobody else gets them for p_seconds; who dies over one leaves
-- it to the next.
CREATE OR REPLACE FUNCTION relay.take_inbound(p_limit integer, p_seconds integer) RETURNS SETOF relay.inbound
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE relay.inbound i SET tries = i.tries + 1, next_at = now() + make_interval(secs => p_seconds)
    FROM (SELECT u.id FROM relay.inbound u WHERE u.state = 'unread' AND u.next_at <= now()
          ORDER BY u.next_at LIMIT p_limit FOR UPDATE SKIP LOCKED) taken
    WHERE i.id = taken.id
    RETURNING i.*
$$;

-- Do what a mail says, once: whoever comes second, or late, changes nothing. Says what became of the mail.
--
-- A bounce may overtake our own record of the delivery, or of the message itself. Then all is done that can be, and the
-- mail is looked at again a little later, the later the older it is; applying it twice has one effect. It has minutes for
-- that, and days while something that was logged before it came, or that was set aside of its reseller, is not recorded.
CREATE OR REPLACE FUNCTION relay.apply_inbound(p_id bigint, p_found relay.feedback[]) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    v_mail relay.inbound;
    v_found relay.feedback;
    v_came text[] := '{}';
    v_state text;
    v_patience interval;
BEGIN
    SELECT * INTO v_mail FROM relay.inbound WHERE id = p_id AND state = 'unread' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'read_already';
    END IF;
    -- Decided before anything is looked for: so what is recorded meanwhile is found.
    v_patience := CASE WHEN EXISTS (SELECT FROM relay.result_log l WHERE l.logged_at <= v_mail.received_at)
                         OR EXISTS (SELECT FROM relay.unrecorded u WHERE u.reseller_id = v_mail.reseller_id)
                       THEN interval '3 days' ELSE interval '2 minutes' END;
    FOREACH v_found IN ARRAY p_found LOOP
        v_came := v_came || relay.apply_feedback(v_mail.reseller_id, v_found);
    END LOOP;
    IF v_came && '{early,unrecorded}' AND v_mail.received_at > now() - v_patience THEN
        UPDATE relay.inbound SET next_at = now() + greatest(interval '15 seconds', (now() - received_at) / 10), tries = 0
            WHERE id = p_id;
        RETURN 'unread';
    END IF;
    v_state := CASE WHEN p_found = '{}' OR v_came && '{applied,early}' THEN 'applied' ELSE 'not_understood' END;
    UPDATE relay.inbound SET state = v_state, reason = array_to_string(array_remove(v_came, 'applied'), ', ')
        WHERE id = p_id;
    RETURN v_state;
END $$;

-- Leave a mail to people.
CREATE OR REPLACE FUNCTION relay.leave_inbound(p_id bigint, p_reason text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE relay.inbound SET state = 'not_understood', reason = p_reason WHERE id = p_id AND state = 'unread'
$$;

-- What somebody says of one recipient of this reseller: 'applied', 'early', or why it could not be; see feedback.
CREATE OR REPLACE FUNCTION relay.apply_feedback(p_reseller integer, p_found relay.feedback) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    v_came text;
BEGIN
    EXECUTE format('SELECT %I.feedback($1, $2)',
                   (SELECT 'r_' || key FROM platform.reseller WHERE id = p_reseller))
        INTO v_came USING (1 + pg_backend_pid() % 4)::smallint, p_found;
    RETURN v_came;
END $$;

-- Mails in a state, newest first, without their content; NULL as reseller: of all.
CREATE OR REPLACE FUNCTION relay.inbound_mails(p_state text, p_reseller integer, p_limit integer)
RETURNS TABLE (id bigint, reseller_id integer, kind text, mail_from text, rcpt_to text, client_address text,
               received_at timestamptz, size integer, reason text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT i.id, i.reseller_id, i.kind, i.mail_from, i.rcpt_to, i.client_address, i.received_at, octet_length(i.raw),
           i.reason
    FROM relay.inbound i
    WHERE i.state = p_state AND (p_reseller IS NULL OR i.reseller_id = p_reseller)
    ORDER BY i.id DESC LIMIT p_limit
$$;

-- The content of one mail; NULL when it is not there (any more).
CREATE OR REPLACE FUNCTION relay.inbound_content(p_id bigint) RETURNS bytea
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT raw FROM relay.inbound WHERE id = p_id
$$;

-- One mail without its content, and its state.
CREATE OR REPLACE FUNCTION relay.inbound_mail(p_id bigint)
RETURNS TABLE (id bigint, reseller_id integer, kind text, mail_from text, rcpt_to text, client_address text,
               received_at timestamptz, size integer, reason text, state text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT i.id, i.reseller_id, i.kind, i.mail_from, i.rcpt_to, i.client_address, i.received_at, octet_length(i.raw),
           i.reason, i.state
    FROM relay.inbound i WHERE i.id = p_id
$$;

-- People have dealt with a mail that was left to them; false when there is none such.
CREATE OR REPLACE FUNCTION relay.close_inbound(p_id bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE relay.inbound SET state = 'done' WHERE id = p_id AND state = 'not_understood';
    RETURN FOUND;
END $$;

-- Have a mail that was left to people read again, also when they are done with it; false when there is none such.
CREATE OR REPLACE FUNCTION relay.read_inbound_again(p_id bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE relay.inbound SET state = 'unread', reason = '', tries = 0, next_at = now()
        WHERE id = p_id AND state IN ('not_understood', 'done');
    RETURN FOUND;
END $$;

-- Forget mails that came before that moment; those that were never read stay.
CREATE OR REPLACE FUNCTION relay.forget_inbound(p_before timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM relay.inbound WHERE received_at < p_before AND state <> 'unread'
$$;

-- Trigger on every reseller's domain: keeps relay.return_path_domain in step. The reseller is read from the schema the
-- trigger stands in. Several of its accounts may have the domain.
CREATE OR REPLACE FUNCTION relay.keep_return_path_domain() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_reseller integer;
    v_domain text;
    v_leads_here boolean;
BEGIN
    SELECT id INTO STRICT v_reseller FROM platform.reseller WHERE 'r_' || key = TG_TABLE_SCHEMA;
    FOREACH v_domain IN ARRAY array_remove(ARRAY[OLD.name, NEW.name], NULL) LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I.domain WHERE name = $1 AND return_path_verified)', TG_TABLE_SCHEMA)
            INTO v_leads_here USING v_domain;
        IF v_leads_here THEN
            INSERT INTO relay.return_path_domain VALUES (v_domain, v_reseller) ON CONFLICT DO NOTHING;
        ELSE
            DELETE FROM relay.return_path_domain WHERE domain = v_domain AND reseller_id = v_reseller;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

REVOKE ALL ON FUNCTION relay.inbound_owner, relay.keep_inbound, relay.take_inbound, relay.apply_inbound,
    relay.leave_inbound, relay.apply_feedback, relay.inbound_mails, relay.inbound_mail, relay.inbound_content,
    relay.close_inbound, relay.read_inbound_again, relay.forget_inbound FROM PUBLIC;
GRANT EXECUTE ON FUNCTION relay.inbound_owner, relay.keep_inbound TO frankpost_relay;
GRANT EXECUTE ON FUNCTION relay.take_inbound, relay.apply_inbound, relay.leave_inbound, relay.apply_feedback,
    relay.inbound_mails, relay.inbound_mail, relay.inbound_content, relay.close_inbound, relay.read_inbound_again,
    relay.forget_inbound TO frankpost_web;
