-- Who has something to do for the jobs that run often: `relay.pending_work` says it, and they visit nobody else.
--
-- A row means that there may be something; what there is, `has_work` in the reseller's schema says. A job reads the rows,
-- visits, and has those that it has read taken away (`relay.settle_work`). What came meanwhile has brought a row of its own.

-- Trigger on resellers' tables: a row of the kind that is its argument.
CREATE OR REPLACE FUNCTION relay.note_pending() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO relay.pending_work (kind, reseller_id)
        SELECT TG_ARGV[0], id FROM platform.reseller WHERE 'r_' || key = TG_TABLE_SCHEMA;
    RETURN NULL;
END $$;

-- After a visit that began by reading the rows p_ids: take them away, all but one if there is still something to do.
CREATE OR REPLACE FUNCTION relay.settle_work(p_kind text, p_reseller integer, p_ids bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_ids bigint[];
    v_left boolean;
BEGIN
    -- Locked before anybody looks: else another visit could leave just the row that this one takes away.
    SELECT array_agg(l.id) INTO v_ids
        FROM (SELECT id FROM relay.pending_work
              WHERE kind = p_kind AND reseller_id = p_reseller AND id = ANY (p_ids) ORDER BY id FOR UPDATE) l;
    EXECUTE format('SELECT %I.has_work($1)', (SELECT 'r_' || key FROM platform.reseller WHERE id = p_reseller))
        INTO v_left USING p_kind;
    DELETE FROM relay.pending_work
        WHERE kind = p_kind AND reseller_id = p_reseller AND id = ANY (v_ids) AND NOT (v_left AND id = v_ids[1]);
END $$;

-- Look into a reseller's schema for anything to do of which no row tells, and add that row; called now and then, in case
-- one was lost. Says for which kinds.
CREATE OR REPLACE FUNCTION relay.find_lost_work(p_reseller integer) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_schema text := (SELECT 'r_' || key FROM platform.reseller WHERE id = p_reseller);
    v_kind text;
    v_left boolean;
    v_lost text[] := '{}';
BEGIN
    FOREACH v_kind IN ARRAY '{notices,invoices,top_ups,stopped_top_ups,deliveries}'::text[] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM relay.pending_work WHERE kind = v_kind AND reseller_id = p_reseller);
        EXECUTE format('SELECT %I.has_work($1)', v_schema) INTO v_left USING v_kind;
        IF v_left THEN
            INSERT INTO relay.pending_work (kind, reseller_id) VALUES (v_kind, p_reseller);
            v_lost := v_lost || v_kind;
        END IF;
    END LOOP;
    EXECUTE format('SELECT %I.find_lost_holding()', v_schema) INTO v_left;
    RETURN v_lost || CASE WHEN v_left THEN '{held}'::text[] ELSE '{}' END;
END $$;

-- Which of these resellers have work of a kind that comes with time, so that nobody could have noted it. In here a look
-- costs a tenth of what it costs from outside. One that can't be looked at is among them: the visit will say why.
CREATE OR REPLACE FUNCTION relay.having_work(p_kind text, p_resellers integer[]) RETURNS integer[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_reseller record;
    v_has boolean;
    v_found integer[] := '{}';
BEGIN
    FOR v_reseller IN SELECT id, key FROM platform.reseller WHERE id = ANY (p_resellers) ORDER BY id LOOP
        BEGIN
            EXECUTE format('SELECT %I.has_work($1)', 'r_' || v_reseller.key) INTO v_has USING p_kind;
        EXCEPTION WHEN OTHERS THEN
            v_has := true;
        END;
        IF v_has THEN
            v_found := v_found || v_reseller.id;
        END IF;
    END LOOP;
    RETURN v_found;
END $$;

REVOKE ALL ON FUNCTION relay.note_pending, relay.settle_work, relay.find_lost_work, relay.having_work FROM PUBLIC;
GRANT EXECUTE ON FUNCTION relay.settle_work, relay.find_lost_work, relay.having_work TO frankpost_web;
