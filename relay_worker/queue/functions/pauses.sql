-- Pauses: mail that staff want to wait. It is accepted as ever; what a claim meets under a pause is set aside, and comes
-- back into the queue when the pause is over. Without pauses a claim pays one look at an empty table.

-- Who sends and who receives, as far as a selection can ask for it; what can't be read is not there.
CREATE OR REPLACE FUNCTION relay.places(p_due relay.due[])
RETURNS TABLE (message_id uuid, n smallint, sender_domain text, rcpt_domain text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_group record;
BEGIN
    RETURN QUERY SELECT d.message_id, d.n, split_part(d.header_from, '@', -1), split_part(d.rcpt_to, '@', -1)
        FROM unnest(p_due) d WHERE d.rcpt_to IS NOT NULL;
    FOR v_group IN
        SELECT r.id, r.key, array_agg(t::relay.due) AS due
        FROM unnest(p_due) t JOIN platform.reseller r ON r.id = t.reseller_id
        WHERE t.rcpt_to IS NULL GROUP BY r.id
    LOOP
        BEGIN
            RETURN QUERY EXECUTE format(
                $q$SELECT d.message_id, d.n, split_part(m.header_from, '@', -1), r.domain
                   FROM unnest($1) d
                   JOIN %1$I.recipient r ON r.message_id = d.message_id AND r.n = d.n
                   JOIN %1$I.message m ON m.id = d.message_id$q$, 'r_' || v_group.key) USING v_group.due;
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING 'reseller % can''t be read: %', v_group.id, SQLERRM;
        END;
    END LOOP;
END $$;

-- Is this recipient meant? Everything in the selection that is not NULL must fit.
CREATE OR REPLACE FUNCTION relay.fits(p_wanted relay.selection, p_due relay.due, p_sender text, p_rcpt text)
RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(p_wanted.reseller_id = p_due.reseller_id, p_wanted.reseller_id IS NULL)
       AND coalesce(p_wanted.account_id = p_due.account_id, p_wanted.account_id IS NULL)
       AND coalesce(p_wanted.lane = p_due.lane, p_wanted.lane IS NULL)
       AND coalesce(p_wanted.message_id = p_due.message_id, p_wanted.message_id IS NULL)
       AND coalesce(p_wanted.n = p_due.n, p_wanted.n IS NULL)
       AND (p_wanted.sender_domain IS NULL OR coalesce(p_wanted.sender_domain = p_sender, false))
       AND (p_wanted.rcpt_domain IS NULL OR coalesce(p_wanted.rcpt_domain = p_rcpt, false))
$$;

-- Set aside those of these just claimed that are paused; the others come back. Called by relay.claim, while there are
-- pauses. Their next try lies so far ahead that nothing wakes them but relay.resume ('infinity' would be no date to Python).
CREATE OR REPLACE FUNCTION relay.set_aside(p_taken relay.due[]) RETURNS relay.due[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_domains boolean := EXISTS (SELECT FROM relay.active_pause p WHERE num_nonnulls(p.sender_domain, p.rcpt_domain) > 0);
    v_ids uuid[];
    v_ns smallint[];
    v_pauses integer[];
BEGIN
    -- The oldest pause that fits has it.
    SELECT array_agg(f.message_id), array_agg(f.n), array_agg(f.pause) INTO v_ids, v_ns, v_pauses
        FROM (SELECT t.message_id, t.n, min(p.id) AS pause
              FROM unnest(p_taken) t
              LEFT JOIN relay.places(CASE WHEN v_domains THEN p_taken END) w
                  ON w.message_id = t.message_id AND w.n = t.n
              JOIN relay.active_pause p ON relay.fits(
                  (p.reseller_id, p.account_id, p.sender_domain, p.rcpt_domain, p.lane, NULL, NULL)::relay.selection,
                  t::relay.due, w.sender_domain, w.rcpt_domain)
              GROUP BY t.message_id, t.n) f;
    IF v_ids IS NULL THEN
        RETURN p_taken;
    END IF;
    UPDATE relay.due d SET lease = NULL, paused_by = u.pause, next_at = '9999-12-31Z'
        FROM unnest(v_ids, v_ns, v_pauses) AS u (id, n, pause) WHERE d.message_id = u.id AND d.n = u.n;
    RETURN (SELECT array_agg(t::relay.due) FROM unnest(p_taken) t
            WHERE NOT EXISTS (SELECT FROM unnest(v_ids, v_ns) AS u (id, n)
                              WHERE u.id = t.message_id AND u.n = t.n));
END $$;

-- Put back up to p_limit recipients whose pause is over, and say how many; 0: nothing is left. The time they have for
-- delivery stood still meanwhile, and those accepted first are first.
--
-- A claim that began before the end of a pause may set aside under it a moment longer: so a pause is looked at for some
-- minutes more.
CREATE OR REPLACE FUNCTION relay.resume(p_limit integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_resumed integer;
BEGIN
    UPDATE relay.due d
        SET ready = true, paused_by = NULL, next_at = d.accepted_at,
            accepted_at = d.accepted_at + (now() - greatest(over.paused_at, d.accepted_at))
        FROM (SELECT w.ctid, p.paused_at
              FROM relay.pause p JOIN relay.due w ON w.paused_by = p.id
              WHERE p.resumed_at IS NULL AND least(p.ended_at, p.until) <= now()
              LIMIT p_limit FOR UPDATE OF w SKIP LOCKED) over
        WHERE d.ctid = over.ctid;
    GET DIAGNOSTICS v_resumed = ROW_COUNT;
    UPDATE relay.pause p SET ended_at = coalesce(p.ended_at, p.until), resumed_at = now()
        WHERE p.resumed_at IS NULL AND least(p.ended_at, p.until) < now() - interval '5 minutes'
          AND NOT EXISTS (SELECT FROM relay.due d WHERE d.paused_by = p.id);
    RETURN v_resumed;
END $$;

REVOKE ALL ON FUNCTION relay.places, relay.fits, relay.set_aside, relay.resume FROM PUBLIC;
GRANT EXECUTE ON FUNCTION relay.resume TO frankpost_web;
