-- Everything one reseller owns. Runs with the search path on its schema; {role} is the reseller's role.
--
-- Why the thresholds: a vacuum or analyze of any table makes every backend look through all its cached plans, and a
-- relay has a set of plans for each reseller. Tables that are updated in place (HOT) clean themselves; with the defaults
-- they would be vacuumed every 50 messages, and hundreds of resellers together spend more on that than on mail.

CREATE TABLE brand (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    company_name text NOT NULL,
    site_url text NOT NULL DEFAULT '',
    support_email text NOT NULL DEFAULT '',
    logo_url text NOT NULL DEFAULT '',
    primary_colour text NOT NULL DEFAULT '#2563eb' CHECK (primary_colour ~ '^#[0-9a-f]{6}$'),
    theme text NOT NULL DEFAULT 'default'
);

CREATE TABLE account (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('main', 'sub')),
    name text NOT NULL CHECK (name <> ''),
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended')),
    time_zone text NOT NULL DEFAULT 'UTC',
    monthly_cap bigint CHECK (monthly_cap >= 0),
    plan_quota bigint NOT NULL DEFAULT 0 CHECK (plan_quota >= 0),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX account_only_main ON account (kind) WHERE kind = 'main';

CREATE TABLE "user" (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES account ON DELETE CASCADE,
    email text NOT NULL UNIQUE CHECK (email = lower(email)),
    name text NOT NULL DEFAULT '',
    password_hash text NOT NULL,
    role text NOT NULL CHECK (role IN ('owner', 'member')),
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended')),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX user_account ON "user" (account_id);

CREATE TABLE login_session (
    token_hash bytea PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES "user" ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    address text NOT NULL DEFAULT '',
    user_agent text NOT NULL DEFAULT ''
);
CREATE INDEX login_session_user ON login_session (user_id);

CREATE TABLE smtp_account (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES account ON DELETE CASCADE,
    name text NOT NULL CHECK (name <> ''),
    user_name text NOT NULL UNIQUE,
    verifier bytea NOT NULL,
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended')),
    created_at timestamptz NOT NULL DEFAULT now(),
    rotated_at timestamptz,
    last_used_at timestamptz
);
CREATE INDEX smtp_account_account ON smtp_account (account_id);
CREATE TRIGGER smtp_account_route AFTER INSERT OR DELETE OR UPDATE OF user_name, verifier, state, account_id
    ON smtp_account FOR EACH ROW EXECUTE FUNCTION platform.keep_smtp_route();

CREATE TABLE domain (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES account ON DELETE CASCADE,
    name text NOT NULL CHECK (name = lower(name)),
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'verified')),
    return_path_verified boolean NOT NULL DEFAULT false,
    checks jsonb NOT NULL DEFAULT '[]',
    checked_at timestamptz,
    failing_since timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (account_id, name)
);

CREATE TABLE dkim_key (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    domain_id bigint NOT NULL REFERENCES domain ON DELETE CASCADE,
    selector text NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'next', 'retired')),
    public_key text NOT NULL,
    sealed_key bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (domain_id, selector)
);
CREATE UNIQUE INDEX dkim_key_one_active ON dkim_key (domain_id) WHERE state = 'active';
CREATE UNIQUE INDEX dkim_key_one_next ON dkim_key (domain_id) WHERE state = 'next';

CREATE TABLE suppression (
    account_id bigint NOT NULL REFERENCES account ON DELETE CASCADE,
    address text NOT NULL CHECK (address = lower(address)),
    reason text NOT NULL CHECK (reason IN ('hard_bounce', 'complaint', 'unsubscribe', 'manual')),
    origin text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, address)
);

-- Credits. A lot is what was bought or handed over at once; entries are only ever added, and the balance of an
-- account is the sum of its entries.
CREATE TABLE credit_lot (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES account,
    credits bigint NOT NULL,
    remaining bigint NOT NULL,
    origin text NOT NULL,
    acquired_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT credit_lot_never_overdrawn CHECK (credits > 0 AND remaining BETWEEN 0 AND credits)
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 10000, autovacuum_analyze_threshold = 10000);
CREATE INDEX credit_lot_account ON credit_lot (account_id, expires_at, id);

-- Written for almost every batch, and by acceptance and the credit services alone: so no foreign keys, each of which
-- is a query of its own for every row.
CREATE TABLE credit_entry (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL,
    lot_id bigint NOT NULL,
    kind text NOT NULL,
    credits bigint NOT NULL,
    at timestamptz NOT NULL,
    note text NOT NULL DEFAULT ''
) WITH (autovacuum_analyze_threshold = 10000, autovacuum_vacuum_insert_threshold = 100000);
CREATE INDEX credit_entry_account ON credit_entry (account_id, id);

-- Recipients accepted in a calendar month of the account's time zone; `from_plan` of them were covered by the plan.
CREATE TABLE account_month (
    account_id bigint NOT NULL REFERENCES account ON DELETE CASCADE,
    month date NOT NULL,
    accepted bigint NOT NULL DEFAULT 0,
    from_plan bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, month)
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 10000, autovacuum_analyze_threshold = 10000);

-- Counts by hour of the account's time zone. `slot` spreads the row locks: 0 belongs to acceptance, the others to
-- the workers; readers add them up.
CREATE TABLE stats_hour (
    account_id bigint NOT NULL REFERENCES account ON DELETE CASCADE,
    hour timestamptz NOT NULL,
    slot smallint NOT NULL,
    accepted bigint NOT NULL DEFAULT 0,
    dropped bigint NOT NULL DEFAULT 0,
    delivered bigint NOT NULL DEFAULT 0,
    deferred bigint NOT NULL DEFAULT 0,
    bounced_hard bigint NOT NULL DEFAULT 0,
    bounced_soft bigint NOT NULL DEFAULT 0,
    expired bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, hour, slot)
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 10000, autovacuum_analyze_threshold = 10000);

-- Mail, partitioned by month through the time in the message id (UUID version 7), so that retention is a DROP.
CREATE TABLE message (
    id uuid PRIMARY KEY,
    account_id bigint NOT NULL,
    smtp_account_id bigint NOT NULL,
    received_at timestamptz NOT NULL,
    mail_from text NOT NULL,
    header_from text NOT NULL,
    subject text NOT NULL,
    message_id_header text NOT NULL,
    size integer NOT NULL,
    recipients smallint NOT NULL,
    smtputf8 boolean NOT NULL,
    body_8bit boolean NOT NULL,
    client_address text NOT NULL,
    client_helo text NOT NULL,
    tls_version text NOT NULL
) PARTITION BY RANGE (id);
CREATE INDEX message_account ON message (account_id, id);

CREATE TABLE message_body (
    message_id uuid PRIMARY KEY,
    raw bytea STORAGE EXTERNAL NOT NULL
) PARTITION BY RANGE (message_id);

CREATE TABLE recipient (
    message_id uuid NOT NULL,
    n smallint NOT NULL,
    account_id bigint NOT NULL,
    rcpt_to text NOT NULL,
    domain text NOT NULL,
    state text NOT NULL,
    bounce_kind text,
    state_at timestamptz NOT NULL,
    attempts smallint NOT NULL DEFAULT 0,
    next_at timestamptz,
    lot_id bigint,
    PRIMARY KEY (message_id, n)
) PARTITION BY RANGE (message_id);

CREATE TABLE event (
    message_id uuid NOT NULL,
    n smallint NOT NULL,
    at timestamptz NOT NULL,
    account_id bigint NOT NULL,
    kind text NOT NULL,
    bounce_kind text,
    reply_code smallint NOT NULL DEFAULT 0,
    enhanced_code text NOT NULL DEFAULT '',
    reply_text text NOT NULL DEFAULT '',
    remote_host text NOT NULL DEFAULT '',
    remote_address text NOT NULL DEFAULT '',
    tls_version text NOT NULL DEFAULT '',
    duration_ms integer NOT NULL DEFAULT 0,
    next_at timestamptz,
    PRIMARY KEY (message_id, n, at)
) PARTITION BY RANGE (message_id);
-- What went wrong is rare and looked for; a delivery is neither.
CREATE INDEX event_trouble ON event (account_id, kind, message_id) WHERE kind <> 'delivered';

GRANT USAGE ON SCHEMA {schema} TO {role};
-- By name: ON ALL TABLES would look through the tables of all resellers.
GRANT SELECT ON brand, account, "user", login_session, smtp_account, domain, dkim_key, suppression, credit_lot,
    credit_entry, account_month, stats_hour, message, message_body, recipient, event TO {role};
GRANT INSERT, UPDATE, DELETE ON brand, account, "user", login_session, smtp_account, domain, dkim_key, suppression
    TO {role};
GRANT INSERT, UPDATE (remaining) ON credit_lot TO {role};
GRANT INSERT ON credit_entry TO {role};
