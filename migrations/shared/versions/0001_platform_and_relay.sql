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

GRANT USAGE ON SCHEMA platform, relay TO frankpost_web;
GRANT USAGE ON SCHEMA relay TO frankpost_relay;
GRANT SELECT ON platform.reseller, platform.hostname, platform.staff, platform.staff_session, platform.audit_entry
    TO frankpost_web;
GRANT INSERT, UPDATE (name, state) ON platform.reseller TO frankpost_web;
GRANT INSERT, UPDATE, DELETE ON platform.hostname, platform.staff, platform.staff_session TO frankpost_web;
GRANT INSERT ON platform.audit_entry TO frankpost_web;
