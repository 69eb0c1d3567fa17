-- Mail held at the end of quota, and bodies that are not kept.

ALTER TABLE account
    ADD COLUMN at_quota_end text NOT NULL DEFAULT 'refuse' CHECK (at_quota_end IN ('refuse', 'hold')),
    ADD COLUMN held_limit integer NOT NULL DEFAULT 10000 CHECK (held_limit >= 0),  -- recipients held at once
    ADD COLUMN keep_bodies boolean NOT NULL DEFAULT true;

-- The recipients in state 'held', so that they are found oldest first. A table and not an index on `recipient`: there an
-- index that looks at the state would make every change of state dearer.
CREATE TABLE held (
    account_id bigint NOT NULL,
    message_id uuid NOT NULL,
    n smallint NOT NULL,
    held_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, message_id, n)
) WITH (autovacuum_vacuum_threshold = 5000, autovacuum_analyze_threshold = 10000);

-- Accepted, and then taken out of the queue by people: such a recipient has ended too.
ALTER TABLE stats_hour ADD COLUMN discarded bigint NOT NULL DEFAULT 0;

GRANT SELECT ON held TO {role};
