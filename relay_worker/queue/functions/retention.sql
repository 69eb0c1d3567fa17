-- Forgetting: mail that is older than its reseller keeps it goes partition by partition, bodies before the rest.

-- The mail partitions of reseller p_key that lie wholly before p_before, oldest first, each with the end of its time.
-- p_bodies: those of the bodies; otherwise of messages, recipients and events.
CREATE OR REPLACE FUNCTION platform.old_partitions(p_key text, p_bodies boolean, p_before timestamptz)
RETURNS TABLE (name text, until timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT c.relname::text, o.until
    FROM pg_class c
    JOIN pg_inherits i ON i.inhrelid = c.oid
    JOIN pg_class parent ON parent.oid = i.inhparent
    CROSS JOIN LATERAL (SELECT platform.end_of_partition(c.relname::text) AS until) o
    WHERE c.relnamespace = to_regnamespace(quote_ident('r_' || p_key))
      AND (parent.relname = 'message_body') = p_bodies
      AND parent.relname IN ('message', 'message_body', 'recipient', 'event')
      AND o.until <= p_before
    ORDER BY o.until, c.relname
$$;

-- Drop one partition, unless something in its time is not over yet: queued, held, or ended with a result that is not
-- recorded. True when it is gone. The check is made when the table is locked: held mail that is let go at the same moment
-- is seen either as held or as queued. A table that is too busy is left for another time.
CREATE OR REPLACE FUNCTION platform.drop_partition(p_key text, p_name text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_schema text := 'r_' || p_key;
    v_reseller integer;
    v_parent text;
    v_until timestamptz := platform.end_of_partition(p_name);
    v_since timestamptz := platform.start_of_partition(p_name);
    v_held boolean;
BEGIN
    SELECT id INTO STRICT v_reseller FROM platform.reseller WHERE key = p_key;
    SELECT parent.relname INTO v_parent
        FROM pg_inherits i
        JOIN pg_class parent ON parent.oid = i.inhparent
        WHERE i.inhrelid = to_regclass(format('%I.%I', v_schema, p_name))
          AND parent.relname IN ('message', 'message_body', 'recipient', 'event');
    IF NOT FOUND OR v_until >= now() THEN
        RAISE EXCEPTION '% is no partition of old mail', p_name USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- In the order in which acceptance takes them, the whole table first: else each could wait for the other.
    EXECUTE format('LOCK TABLE ONLY %I.%I, %I.%I IN ACCESS EXCLUSIVE MODE', v_schema, v_parent, v_schema, p_name);
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.held WHERE message_id >= $1 AND message_id < $2)', v_schema)
        INTO v_held USING platform.first_message_id(v_since), platform.first_message_id(v_until);
    IF v_held
       OR EXISTS (SELECT FROM relay.due d WHERE d.reseller_id = v_reseller
                  AND d.message_id >= platform.first_message_id(v_since)
                  AND d.message_id < platform.first_message_id(v_until))
       OR EXISTS (SELECT FROM relay.result_log l CROSS JOIN unnest(l.results) r WHERE r.reseller_id = v_reseller
                  AND r.message_id >= platform.first_message_id(v_since)
                  AND r.message_id < platform.first_message_id(v_until))
       OR EXISTS (SELECT FROM relay.unrecorded u WHERE u.reseller_id = v_reseller) THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TABLE %I.%I', v_schema, p_name);
    RETURN true;
END $$;

REVOKE ALL ON FUNCTION platform.old_partitions, platform.drop_partition FROM PUBLIC;
GRANT EXECUTE ON FUNCTION platform.old_partitions, platform.drop_partition TO frankpost_web;
