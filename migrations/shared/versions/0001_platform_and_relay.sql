-- The platform's own tables and the queue. Nothing here belongs to one reseller; what does is in migrations/tenant.


CREATE TABLE platform.reseller (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL UNIQUE CHECK (key ~ '^[a-z][a-z0-9_]{0,40}$'),
    name text NOT NULL CHECK (name <> ''),
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended')),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Every name that leads to a reseller. A name has one purpose; a certificate belongs to SMTP names.
CREATE TABLE platform.hostname (
    name text PRIMARY KEY CHECK (name = lower(name) AND name <> ''),
    reseller_id integer NOT NULL REFERENCES platform.reseller ON DELETE CASCADE,
    purpose text NOT NULL CHECK (purpose IN ('portal', 'smtp', 'tracking', 'return_path')),
    certificate bytea,
    sealed_key bytea,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX hostname_reseller ON platform.hostname (reseller_id, purpose);

-- SMTP user name -> reseller and account. Kept by a trigger on each reseller's smtp_account, never written otherwise.
CREATE TABLE platform.smtp_route (
    user_name text PRIMARY KEY,
    reseller_id integer NOT NULL REFERENCES platform.reseller ON DELETE CASCADE,
    account_id bigint NOT NULL,
    smtp_account_id bigint NOT NULL,
    verifier bytea NOT NULL,
    state text NOT NULL
);
CREATE INDEX smtp_route_reseller ON platform.smtp_route (reseller_id);

CREATE TABLE platform.staff (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL UNIQUE CHECK (email = lower(email)),
    name text NOT NULL,
    password_hash text NOT NULL,
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended')),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE platform.staff_session (
    token_hash bytea PRIMARY KEY,
    staff_id integer NOT NULL REFERENCES platform.staff ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    address text NOT NULL DEFAULT '',
    user_agent text NOT NULL DEFAULT ''
);
CREATE INDEX staff_session_staff ON platform.staff_session (staff_id);

CREATE TABLE platform.audit_entry (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    action text NOT NULL,
    reseller_id integer,
    detail jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_entry_reseller ON platform.audit_entry (reseller_id, id DESC);

-- What makes a reseller's schema: the tenant migrations' SQL in order, then its functions. Written by `frankpost db
-- upgrade`, run by platform.create_tenant.
CREATE TABLE platform.tenant_script (
    position integer PRIMARY KEY,
    revision text,
    sql text NOT NULL
);

-- The outbox: one row for each recipient that still has a way to go, without content. A row is either ready (anyone
-- may claim it) or waits for `next_at`: the next try, or the end of the lease of whoever holds it.
CREATE TABLE relay.due (
    message_id uuid NOT NULL,
    n smallint NOT NULL,
    reseller_id integer NOT NULL,
    account_id bigint NOT NULL,
    lane integer NOT NULL,
    ready boolean NOT NULL DEFAULT true,
    attempts smallint NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL,
    lease uuid,
    accepted_at timestamptz NOT NULL,
    PRIMARY KEY (message_id, n)
) WITH (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000,
    autovacuum_vacuum_cost_delay = 0
);
-- Two small indexes instead of one: a claim never walks past what waits, however much of it there is.
CREATE INDEX due_ready ON relay.due (reseller_id, lane, next_at) WHERE ready;
CREATE INDEX due_waiting ON relay.due (next_at) WHERE NOT ready;

-- One message on its way into a reseller's schema; `rcpt_to` holds its recipients, one a line.
CREATE TYPE relay.submission AS (
    reseller_id integer,
    account_id bigint,
    message_id uuid,
    smtp_account_id bigint,
    mail_from text,
    rcpt_to text,
    header_from text,
    subject text,
    message_id_header text,
    smtputf8 boolean,
    body_8bit boolean,
    client_address text,
    client_helo text,
    tls_version text,
    raw bytea
);

-- One recipient that a worker has claimed, with what it takes to send to it.
CREATE TYPE relay.claimed AS (
    reseller_id integer,
    account_id bigint,
    message_id uuid,
    n smallint,
    lane integer,
    attempts smallint,
    accepted_at timestamptz,
    rcpt_to text,
    domain text,
    mail_from text,
    header_from text,
    smtputf8 boolean,
    body_8bit boolean,
    size integer,
    raw bytea
);

-- What one attempt came to; `next_at` is NULL when it was the last.
CREATE TYPE relay.result AS (
    reseller_id integer,
    message_id uuid,
    n smallint,
    at timestamptz,
    state text,
    bounce_kind text,
    reply_code integer,
    enhanced_code text,
    reply_text text,
    remote_host text,
    remote_address text,
    tls_version text,
    duration_ms integer,
    next_at timestamptz
);

-- Results that a reseller's schema could not take, until it can.
CREATE TABLE relay.unrecorded (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reseller_id integer NOT NULL REFERENCES platform.reseller ON DELETE CASCADE,
    results relay.result[] NOT NULL,
    reason text NOT NULL,
    set_aside_at timestamptz NOT NULL DEFAULT now()
);

-- What some results add to the counts of one account and hour.
CREATE TYPE relay.hour_counts AS (
    account_id bigint,
    hour timestamptz,
    delivered integer,
    deferred integer,
    bounced_hard integer,
    bounced_soft integer,
    expired integer
);

-- How an account stands before a batch. `left_in_cap` NULL: no cap. Lots in the order in which they are spent;
-- `credentials`: those of the batch that may send; `suppressed`: those of its recipients that are, in lower case.
CREATE TYPE relay.standing AS (
    left_in_cap bigint,
    left_in_plan bigint,
    lots bigint[],
    lot_left bigint[],
    credentials bigint[],
    suppressed text[],
    not_used_lately boolean
);

-- What acceptance does with a batch: a verdict for each message; for each recipient of those taken (and of those
-- refused as suppressed) what is written; what each lot gives.
CREATE TYPE relay.decision AS (
    verdicts text[],
    ids uuid[],
    ns smallint[],
    rcpt_to text[],
    states text[],
    paid_by bigint[],
    drawn bigint[],
    used bigint,
    from_plan bigint,
    dropped bigint
);

GRANT USAGE ON SCHEMA platform, relay TO frankpost_web;
GRANT USAGE ON SCHEMA relay TO frankpost_relay;
GRANT SELECT ON platform.reseller, platform.hostname, platform.staff, platform.staff_session, platform.audit_entry
    TO frankpost_web;
GRANT INSERT, UPDATE (name, state) ON platform.reseller TO frankpost_web;
GRANT INSERT, UPDATE, DELETE ON platform.hostname, platform.staff, platform.staff_session TO frankpost_web;
GRANT INSERT ON platform.audit_entry TO frankpost_web;
