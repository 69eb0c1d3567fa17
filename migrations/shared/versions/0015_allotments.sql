-- Allotments: recipients that an account which sends much may have accepted without a look into its books, because they
-- have been taken out of them beforehand. See relay_worker/queue/functions/tenant/allotments.sql.

-- An account that has sent within the last seconds has a row. `size` is what was taken out of the books, `remaining` what
-- of it is still to be used; 0 of 0: nothing is allotted, the account has only been seen. No foreign key: it would be a
-- query of its own for every row, and the sweep removes what belongs to nobody.
CREATE TABLE relay.allotment (
    reseller_id integer NOT NULL,
    account_id bigint NOT NULL,
    size integer NOT NULL DEFAULT 0,
    remaining integer NOT NULL DEFAULT 0,
    last_size integer NOT NULL DEFAULT 0,  -- of the one before: the next may be larger
    lot_id bigint,  -- that has paid; NULL: the plan
    month date,  -- under which the account's books have counted it, and the period
    period timestamptz,
    hour timestamptz,  -- in which its recipients count
    valid_until timestamptz NOT NULL,
    used_at timestamptz NOT NULL,
    PRIMARY KEY (reseller_id, account_id),
    CONSTRAINT allotment_never_overdrawn CHECK (remaining BETWEEN 0 AND size)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000,
        autovacuum_analyze_threshold = 1000000);

-- Acceptance asks for the login of each message.
CREATE INDEX smtp_route_login ON platform.smtp_route (reseller_id, smtp_account_id);
DROP INDEX platform.smtp_route_reseller;

-- What an allotment has paid for is logged, too, and reaches its reseller's tables a moment later with what became of it.
CREATE TYPE relay.accepted AS (
    message relay.submission,
    lot_id bigint,  -- that has paid for its recipients; NULL: the plan
    at timestamptz
);
ALTER TABLE relay.result_log
    ADD COLUMN accepted relay.accepted[] NOT NULL DEFAULT '{}',
    -- It lives for a second: not worth being compressed.
    ALTER COLUMN accepted SET STORAGE EXTERNAL,
    ALTER COLUMN results SET STORAGE EXTERNAL,
    ALTER COLUMN tallies SET STORAGE EXTERNAL;
ALTER TABLE relay.unrecorded ADD COLUMN accepted relay.accepted[] NOT NULL DEFAULT '{}';

-- Until then the queue itself knows what a worker needs; NULL: it is in the reseller's tables.
ALTER TABLE relay.due
    ADD COLUMN rcpt_to text,
    ADD COLUMN mail_from text,
    ADD COLUMN header_from text,
    ADD COLUMN smtputf8 boolean,
    ADD COLUMN body_8bit boolean,
    ADD COLUMN size integer,
    ADD COLUMN envelope_id text,
    ADD COLUMN dsn_return text,
    ADD COLUMN dsn text;

DROP FUNCTION IF EXISTS relay.record(text, relay.result[], relay.result[], relay.hour_counts[]);
DROP FUNCTION IF EXISTS relay.record_or_set_aside(integer, text, relay.result[], relay.result[], relay.hour_counts[]);
DROP FUNCTION IF EXISTS relay.ingest(timestamptz, relay.submission[], bytea[]);
