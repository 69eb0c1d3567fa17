-- Results tell what has vouched for the mail server.

-- A type that columns are made of can't grow, so what they hold waits as text; it loses nothing by that.
ALTER TABLE relay.result_log
    ALTER COLUMN results TYPE text[] USING results::text[],
    ALTER COLUMN strays TYPE text[] USING strays::text[];
ALTER TABLE relay.unrecorded
    ALTER COLUMN results TYPE text[] USING results::text[],
    ALTER COLUMN strays TYPE text[] USING strays::text[];

ALTER TYPE relay.result ADD ATTRIBUTE tls_trust text;  -- see platform_core.mail.tls; '' in clear

CREATE FUNCTION relay.grown(p_results text[]) RETURNS relay.result[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(array_agg((left(u.result, -1) || ',)')::relay.result ORDER BY u.place), '{}')
    FROM unnest(p_results) WITH ORDINALITY AS u (result, place)
$$;
ALTER TABLE relay.result_log
    ALTER COLUMN results TYPE relay.result[] USING relay.grown(results),
    ALTER COLUMN strays TYPE relay.result[] USING relay.grown(strays);
ALTER TABLE relay.unrecorded
    ALTER COLUMN results TYPE relay.result[] USING relay.grown(results),
    ALTER COLUMN strays TYPE relay.result[] USING relay.grown(strays);
DROP FUNCTION relay.grown;

-- A recipient that only another machine's addresses may send: it waits, not ready, for a worker that has this one.
ALTER TABLE relay.due
    ADD COLUMN for_ip integer,  -- the id of the address
    ADD COLUMN handed_at timestamptz;
CREATE INDEX due_handed ON relay.due (for_ip, lane, handed_at) WHERE for_ip IS NOT NULL;
ALTER TABLE platform.ip_address ADD COLUMN absent_at timestamptz;  -- when such mail was last left lying

-- What people have read and dealt with.
ALTER TABLE relay.inbound
    DROP CONSTRAINT inbound_state_check,
    ADD CONSTRAINT inbound_state_check CHECK (state IN ('unread', 'applied', 'not_understood', 'done'));

-- Held mail is bounded in bytes, too.
ALTER TABLE relay.holding ADD COLUMN bytes bigint NOT NULL DEFAULT 0;
ALTER TYPE relay.standing ADD ATTRIBUTE hold_bytes bigint;  -- bytes of messages that may still be held
