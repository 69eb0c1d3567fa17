-- Results wait in one log until they are posted to their resellers; destinations get a lane for their site; and what
-- goes through the doors carries what senders ask (RFC 3461) and why an attempt came out as it did.

DROP TABLE relay.unrecorded;
ALTER TYPE relay.result
    ADD ATTRIBUTE outcome_class text,  -- see relay_worker.bounces.classes; '' for a delivery
    ADD ATTRIBUTE source_address text;  -- ours; '' where the system chose it

-- What one batch adds to the counts of an account, by the hour of its time zone.
CREATE TYPE relay.tally AS (
    reseller_id integer,
    account_id bigint,
    hour timestamptz,
    accepted integer,
    dropped integer
);
ALTER TYPE relay.hour_counts
    ADD ATTRIBUTE accepted integer,
    ADD ATTRIBUTE dropped integer;

-- Results of attempts in the order in which they came, and what was accepted. The queue knows them already; `strays` are deferrals that came
-- too late to count for it. relay.post takes them out.
CREATE TABLE relay.result_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    results relay.result[] NOT NULL,
    strays relay.result[] NOT NULL,
    tallies relay.tally[] NOT NULL,
    logged_at timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_insert_threshold = -1,
        autovacuum_analyze_threshold = 1000000);

-- Results that a reseller's schema could not take, until it can.
CREATE TABLE relay.unrecorded (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reseller_id integer NOT NULL REFERENCES platform.reseller ON DELETE CASCADE,
    results relay.result[] NOT NULL,
    strays relay.result[] NOT NULL,
    counts relay.hour_counts[] NOT NULL,
    reason text NOT NULL,
    set_aside_at timestamptz NOT NULL DEFAULT now()
);

-- Domains whose mail goes to a site that takes mail of others too: one lane for all of them, learnt by the workers.
CREATE TABLE relay.site (
    domain text PRIMARY KEY,
    lane integer NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now()
);

-- The content comes beside it (an array of its own): what is looked at many times must not carry ten kilobytes along.
ALTER TYPE relay.submission
    DROP ATTRIBUTE raw,
    ADD ATTRIBUTE size integer,
    ADD ATTRIBUTE envelope_id text,  -- ENVID (RFC 3461 4.4); '' without
    ADD ATTRIBUTE dsn_return text,  -- RET: FULL or HDRS; '' without
    ADD ATTRIBUTE rcpt_dsn text;  -- for each recipient a line: NOTIFY and ORCPT as given; NULL when none has any
ALTER TYPE relay.decision
    ADD ATTRIBUTE dsn text[],  -- for each recipient written
    ADD ATTRIBUTE hour timestamptz;  -- in which it counts
ALTER TYPE relay.claimed
    ADD ATTRIBUTE envelope_id text,
    ADD ATTRIBUTE dsn_return text,
    ADD ATTRIBUTE dsn text;

DROP FUNCTION IF EXISTS relay.ingest(timestamptz, relay.submission[]);
DROP FUNCTION IF EXISTS relay.set_aside(uuid, relay.result[], text);
DROP FUNCTION IF EXISTS relay.take(integer, uuid, integer, integer, integer, integer, integer[]);
DROP FUNCTION IF EXISTS relay.finish(uuid, relay.result[]);
DROP FUNCTION IF EXISTS relay.settle_due(uuid, relay.result[]);
