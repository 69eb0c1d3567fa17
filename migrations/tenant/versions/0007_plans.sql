-- Plans, periods and caps of accounts.

-- What acceptance needs to know of an account's plan. Until period_end `plan_quota` recipients are included, afterwards
-- `next_quota`, however late the renewal comes. Without a plan all three are NULL, and the quota is one of a calendar month.
ALTER TABLE account
    ADD COLUMN period_start timestamptz,
    ADD COLUMN period_end timestamptz,
    ADD COLUMN next_quota bigint CHECK (next_quota >= 0),
    ADD COLUMN daily_cap bigint CHECK (daily_cap >= 0),
    ADD COLUMN minute_rate integer CHECK (minute_rate > 0),
    ADD COLUMN most_smtp_accounts integer CHECK (most_smtp_accounts >= 0),
    ADD COLUMN most_domains integer CHECK (most_domains >= 0),
    ADD COLUMN most_api_keys integer CHECK (most_api_keys >= 0),
    ADD COLUMN most_dedicated_ips integer CHECK (most_dedicated_ips >= 0),
    ADD CONSTRAINT account_period CHECK (
        num_nulls(period_start, period_end, next_quota) IN (0, 3) AND period_start < period_end);

-- A row for each calendar month and, within it, each period of a plan ('epoch': no plan): caps add up a month's rows,
-- plans a period's, and acceptance still writes one row.
ALTER TABLE account_month
    ADD COLUMN period timestamptz NOT NULL DEFAULT 'epoch',
    DROP CONSTRAINT account_month_pkey,
    ADD PRIMARY KEY (account_id, month, period);

-- Of accounts that have a daily cap or a rate, and of them alone. `tokens` are recipients times 60,000,000: a rate of one
-- recipient a minute earns one in each microsecond, so that everything is exact.
CREATE TABLE account_pace (
    account_id bigint PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    day date NOT NULL,
    accepted bigint NOT NULL DEFAULT 0,
    tokens bigint NOT NULL,
    tokens_at timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 10000, autovacuum_analyze_threshold = 10000);

-- Recipients of all sub-accounts together, kept only while the reseller has a cap on that sum. Its row is locked before
-- those of accounts.
CREATE TABLE customers_month (
    month date PRIMARY KEY,
    accepted bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 10000, autovacuum_analyze_threshold = 10000);

-- The reseller's plans for its customers; the same shape as platform.plan.
CREATE TABLE plan (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    price bigint NOT NULL CHECK (price >= 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    included bigint NOT NULL CHECK (included >= 0),
    trial_days smallint NOT NULL DEFAULT 0 CHECK (trial_days BETWEEN 0 AND 365),
    smtp_accounts integer CHECK (smtp_accounts >= 0),
    domains integer CHECK (domains >= 0),
    api_keys integer CHECK (api_keys >= 0),
    dedicated_ips integer CHECK (dedicated_ips >= 0),
    retired boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX plan_name ON plan (lower(name)) WHERE NOT retired;

-- Which plan an account has: of the platform's where it is the main account, else of the reseller's. Name, price and
-- included are those of this period, whatever became of the plan since. A period ends on the anchor's day of a month, at
-- midnight where the account is: the period with number `periods` begins so many months after `anchor_on`.
CREATE TABLE subscription (
    account_id bigint PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    plan_id integer NOT NULL,
    next_plan_id integer,  -- what follows the period; NULL: nothing, it ends
    status text NOT NULL CHECK (status IN ('trial', 'active', 'past_due', 'suspended', 'ended')),
    plan_name text NOT NULL,
    price bigint NOT NULL CHECK (price >= 0),
    currency text NOT NULL,
    included bigint NOT NULL CHECK (included >= 0),
    anchor_on date NOT NULL,
    periods integer NOT NULL CHECK (periods >= 0),
    period_start timestamptz NOT NULL,
    period_end timestamptz NOT NULL CHECK (period_end > period_start),
    status_since timestamptz NOT NULL,
    paid boolean NOT NULL,  -- this period is
    trial_used boolean NOT NULL DEFAULT false  -- an account tries once, whatever the plan
);
CREATE INDEX subscription_due ON subscription (period_end) WHERE status IN ('trial', 'active', 'past_due');

DROP FUNCTION IF EXISTS accept(timestamptz, uuid[], relay.submission[], bytea[], bigint[]);

GRANT SELECT ON account_pace, customers_month TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON plan, subscription TO {role};
