-- Whether there is something to do in this schema for a job. Each looks into an index that holds nothing
-- else, or into a table of a few rows.
CREATE OR REPLACE FUNCTION has_work(p_kind text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
BEGIN
    CASE p_kind
    WHEN 'notices' THEN
        RETURN EXISTS (SELECT FROM notice WHERE closed_at IS NULL)
            OR EXISTS (SELECT FROM recipient WHERE dsn IS NOT NULL AND NOT dsn_settled);
    WHEN 'invoices' THEN
        RETURN EXISTS (SELECT FROM invoice_sending WHERE next_at IS NOT NULL);
    WHEN 'top_ups' THEN
        RETURN EXISTS (SELECT FROM top_up_rule WHERE state = 'on')
            OR EXISTS (SELECT FROM payment WHERE origin = 'top_up' AND state = 'open');
    WHEN 'stopped_top_ups' THEN  -- after three days it is no news any more, and nobody is told
        RETURN EXISTS (SELECT FROM top_up_rule WHERE state = 'off' AND off_because <> '' AND told_at IS NULL
                                                 AND changed_at > now() - interval '3 days');
    WHEN 'deliveries' THEN
        RETURN EXISTS (SELECT FROM payment WHERE state = 'paid' AND delivered = 0);
    WHEN 'plans' THEN
        RETURN EXISTS (SELECT FROM subscription WHERE status IN ('trial', 'active', 'past_due')
                                                  AND (period_end <= now() OR status = 'past_due'));
    WHEN 'rentals' THEN  -- those that have ended, too: orders of addresses follow them
        RETURN EXISTS (SELECT FROM ip_rental);
    END CASE;
END $$;

-- Note where the jobs look that there is something of this kind. Those who write much know their reseller's id, and add the
-- row themselves.
CREATE OR REPLACE FUNCTION note_work(p_kind text) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO relay.pending_work (kind, reseller_id)
        SELECT p_kind, id FROM platform.reseller WHERE 'r_' || key = current_schema();
END $$;
REVOKE ALL ON FUNCTION has_work, note_work FROM PUBLIC;
