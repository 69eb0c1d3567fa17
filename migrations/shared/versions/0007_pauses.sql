-- Mail that waits for people: held at the end of quota, or paused by staff; how the queue looked a moment ago; and how
-- long each reseller's mail is kept.

ALTER TYPE relay.standing
    ADD ATTRIBUTE hold_room bigint,  -- recipients that may still be held; NULL: the account has them refused
    ADD ATTRIBUTE held boolean;  -- something is held already: what comes now waits behind it
ALTER TYPE relay.decision
    ADD ATTRIBUTE held bigint;

-- Accounts with held mail, so that nobody has to look into every reseller's schema to find it.
CREATE TABLE relay.holding (
    reseller_id integer NOT NULL REFERENCES platform.reseller ON DELETE CASCADE,
    account_id bigint NOT NULL,
    recipients bigint NOT NULL CHECK (recipients > 0),
    since timestamptz NOT NULL,
    PRIMARY KEY (reseller_id, account_id)
) WITH (fillfactor = 50);

-- Which recipients of the queue are meant: those that fit everything that is not NULL.
CREATE TYPE relay.selection AS (
    reseller_id integer,
    account_id bigint,
    sender_domain text,
    rcpt_domain text,
    lane integer,
    message_id uuid,
    n smallint
);

-- What staff have paused. It lasts until it is ended, or until `until`; `resumed_at`: nothing of it is set aside any more.
CREATE TABLE relay.pause (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reseller_id integer REFERENCES platform.reseller ON DELETE CASCADE,
    account_id bigint,
    sender_domain text,
    rcpt_domain text,
    lane integer,
    reason text NOT NULL CHECK (reason <> ''),
    paused_by text NOT NULL,
    paused_at timestamptz NOT NULL DEFAULT now(),
    until timestamptz,
    ended_at timestamptz,
    resumed_at timestamptz,
    CHECK (num_nonnulls(reseller_id, rcpt_domain, lane) > 0),
    CHECK (account_id IS NULL OR reseller_id IS NOT NULL),
    CHECK (sender_domain IS NULL OR account_id IS NOT NULL)
);
CREATE INDEX pause_open ON relay.pause (id) WHERE resumed_at IS NULL;
CREATE VIEW relay.active_pause AS
    SELECT * FROM relay.pause
    WHERE resumed_at IS NULL AND ended_at IS NULL AND (until IS NULL OR until > now());

ALTER TABLE relay.due ADD COLUMN paused_by integer;  -- the pause that has set it aside: then it is not ready, for ever
CREATE INDEX due_paused ON relay.due (paused_by) WHERE paused_by IS NOT NULL;

-- The last look at the whole queue, with what it cost: the next one is taken when that is worth it.
CREATE TABLE relay.queue_sample (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    taken_at timestamptz NOT NULL,
    took interval NOT NULL,
    figures jsonb NOT NULL
);

ALTER TABLE platform.reseller
    ADD COLUMN keep_mail_days integer NOT NULL DEFAULT 90 CHECK (keep_mail_days BETWEEN 1 AND 3660),
    ADD COLUMN keep_body_days integer NOT NULL DEFAULT 30 CHECK (keep_body_days BETWEEN 1 AND 3660);

DROP FUNCTION IF EXISTS relay.depth();

GRANT UPDATE (keep_mail_days, keep_body_days) ON platform.reseller TO frankpost_web;
GRANT SELECT ON relay.holding, relay.pause, relay.active_pause TO frankpost_web;
GRANT INSERT, UPDATE (ended_at) ON relay.pause TO frankpost_web;
