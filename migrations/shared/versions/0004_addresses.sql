-- Our IP addresses: pools, who sends from them, warm-up and reputation.

-- A pool with a reseller is dedicated to it, one without is shared. `fallback_id`: where mail goes that no address of this
-- pool may send now. The default pool takes everybody who is assigned to none.
CREATE TABLE platform.ip_pool (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,40}$'),
    reseller_id integer REFERENCES platform.reseller ON DELETE SET NULL,
    fallback_id integer REFERENCES platform.ip_pool ON DELETE SET NULL CHECK (fallback_id <> id),
    is_default boolean NOT NULL DEFAULT false CHECK (NOT (is_default AND reseller_id IS NOT NULL)),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX ip_pool_default ON platform.ip_pool (is_default) WHERE is_default;

-- `standing` is what the checks found (sound, flawed, stopped; see relay_worker.addresses.standing), `listings` the block
-- lists that name the address. peak_per_day: what warm-up has to reach; NULL: the end of the ladder. Below the first
-- stage it may not be: a transaction of many recipients would never fit into a day.
CREATE TABLE platform.ip_address (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    address text NOT NULL UNIQUE CHECK (address = host(address::inet)),
    pool_id integer NOT NULL REFERENCES platform.ip_pool,
    helo text NOT NULL CHECK (helo = lower(helo) AND helo <> ''),
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'retired')),
    peak_per_day integer CHECK (peak_per_day >= 200),
    standing text NOT NULL DEFAULT 'sound' CHECK (standing IN ('sound', 'flawed', 'stopped')),
    ptr_state text NOT NULL DEFAULT 'unknown' CHECK (ptr_state IN ('unknown', 'confirmed', 'unconfirmed', 'missing')),
    ptr_name text NOT NULL DEFAULT '',
    helo_confirmed boolean,
    listings text[] NOT NULL DEFAULT '{}',
    checked_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ip_address_pool ON platform.ip_address (pool_id);

-- Who sends from a pool: an account, or with account_id NULL every account of the reseller that has no pool of its own.
CREATE TABLE platform.pool_assignment (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reseller_id integer NOT NULL REFERENCES platform.reseller ON DELETE CASCADE,
    account_id bigint,
    pool_id integer NOT NULL REFERENCES platform.ip_pool,
    UNIQUE NULLS NOT DISTINCT (reseller_id, account_id)
);
CREATE INDEX pool_assignment_pool ON platform.pool_assignment (pool_id);

-- Where an address stands on the ladder, for each provider; no row: never warmed up, and taken for warm. Days are UTC.
CREATE TABLE platform.ip_warmup (
    ip_id integer NOT NULL REFERENCES platform.ip_address ON DELETE CASCADE,
    provider text NOT NULL CHECK (provider IN ('google', 'microsoft', 'yahoo', 'apple', 'other')),
    stage smallint NOT NULL,
    per_day integer NOT NULL,
    started_on date NOT NULL,
    moved_on date NOT NULL,
    judged_on date NOT NULL,
    finished_on date,
    PRIMARY KEY (ip_id, provider)
);

-- Each day of a warm-up. `taken`: allowance in the hands of workers or used; `verdict`: what became of the day at its end.
CREATE TABLE platform.ip_warmup_day (
    ip_id integer NOT NULL REFERENCES platform.ip_address ON DELETE CASCADE,
    provider text NOT NULL,
    day date NOT NULL,
    stage smallint NOT NULL,
    per_day integer NOT NULL,
    taken integer NOT NULL DEFAULT 0 CHECK (taken >= 0),
    verdict text NOT NULL DEFAULT '',
    PRIMARY KEY (ip_id, provider, day)
);

-- What came of attempts from an address, by hour; `complained` counts at the hour of the complaint.
CREATE TABLE platform.ip_result (
    ip_id integer NOT NULL REFERENCES platform.ip_address ON DELETE CASCADE,
    provider text NOT NULL,
    hour timestamptz NOT NULL,
    delivered bigint NOT NULL DEFAULT 0,
    deferred bigint NOT NULL DEFAULT 0,
    throttled bigint NOT NULL DEFAULT 0,
    blocked bigint NOT NULL DEFAULT 0,
    bounced bigint NOT NULL DEFAULT 0,
    complained bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (ip_id, provider, hour)
);
CREATE INDEX ip_result_hour ON platform.ip_result (hour);

-- DNS block lists (RFC 5782) and what being listed does: `stop` sends nothing from the address, `last` only what no sound
-- address can take, `show` nothing.
CREATE TABLE platform.dnsbl_zone (
    zone text PRIMARY KEY CHECK (zone = lower(zone) AND zone <> ''),
    name text NOT NULL,
    effect text NOT NULL CHECK (effect IN ('stop', 'last', 'show')),
    ipv6 boolean NOT NULL DEFAULT false,
    source text NOT NULL DEFAULT ''
);
-- Those listed by Spamhaus are refused for good nearly everywhere: mail that waits is better than mail that bounces.
INSERT INTO platform.dnsbl_zone (zone, name, effect, ipv6, source) VALUES
    ('zen.spamhaus.org', 'Spamhaus ZEN', 'stop', true, 'spamhaus.org, 2026-11; wants a resolver of one''s own'),
    ('b.barracudacentral.org', 'Barracuda BRBL', 'last', false, 'barracudacentral.org, 2026-11; the resolver has to be registered'),
    ('bl.spamcop.net', 'SpamCop', 'last', false, 'spamcop.net, 2026-11'),
    ('psbl.surriel.com', 'PSBL', 'show', false, 'psbl.org, 2026-11');

-- What a worker wants to send from one warming address on one day; negative: gives back.
CREATE TYPE relay.allowance AS (
    ip_id integer,
    provider text,
    day date,
    recipients integer
);

-- What a worker adds to one row of platform.ip_result.
CREATE TYPE relay.address_count AS (
    ip_id integer,
    provider text,
    hour timestamptz,
    delivered integer,
    deferred integer,
    throttled integer,
    blocked integer,
    bounced integer
);

GRANT SELECT ON platform.ip_pool, platform.ip_address, platform.pool_assignment, platform.ip_warmup,
    platform.ip_warmup_day, platform.ip_result, platform.dnsbl_zone TO frankpost_web;
GRANT INSERT, UPDATE, DELETE ON platform.ip_pool, platform.pool_assignment, platform.ip_warmup, platform.dnsbl_zone
    TO frankpost_web;
GRANT INSERT, UPDATE ON platform.ip_address, platform.ip_warmup_day TO frankpost_web;
GRANT DELETE ON platform.ip_warmup_day, platform.ip_result TO frankpost_web;
