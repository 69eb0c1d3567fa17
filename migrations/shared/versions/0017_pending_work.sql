-- Which resellers have something to do for the jobs that run often, so that nobody has to look into every reseller's schema
-- to find it. See relay_worker/queue/functions/pending_work.sql.

-- Whoever writes something that is to be done adds a row, in the same transaction, and never looks whether there is one:
-- so nobody waits for anybody, and a row that a job has not seen yet is not taken away by it. No foreign key: it would be a
-- query of its own for every row.
CREATE TABLE relay.pending_work (
    id bigint GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL CHECK (kind IN ('notices', 'invoices', 'top_ups', 'stopped_top_ups', 'deliveries')),
    reseller_id integer NOT NULL,
    PRIMARY KEY (kind, reseller_id, id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_insert_threshold = -1,
        autovacuum_analyze_threshold = 1000000);
GRANT SELECT ON relay.pending_work TO frankpost_web;

DROP FUNCTION IF EXISTS relay.find_notices();
DROP FUNCTION IF EXISTS relay.open_notices(integer[], integer, integer);
