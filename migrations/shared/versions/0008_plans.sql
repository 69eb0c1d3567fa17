-- The platform's plans for resellers, and the cap on what all customers of a reseller send together.

-- What resellers may subscribe to. `price` is for a month, in minor units of `currency`; of the limits NULL is none.
CREATE TABLE platform.plan (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    price bigint NOT NULL CHECK (price >= 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    included bigint NOT NULL CHECK (included >= 0),  -- recipients in a period
    trial_days smallint NOT NULL DEFAULT 0 CHECK (trial_days BETWEEN 0 AND 365),  -- 0: it can't be tried
    smtp_accounts integer CHECK (smtp_accounts >= 0),
    domains integer CHECK (domains >= 0),
    api_keys integer CHECK (api_keys >= 0),
    dedicated_ips integer CHECK (dedicated_ips >= 0),
    retired boolean NOT NULL DEFAULT false,  -- nobody else may have it; those who have it keep it
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX plan_name ON platform.plan (lower(name)) WHERE NOT retired;

-- Recipients of all sub-accounts together in a month of the main account's time zone; NULL: no cap, and nothing counts.
ALTER TABLE platform.reseller ADD COLUMN customers_cap bigint CHECK (customers_cap >= 0);

ALTER TYPE relay.standing
    ADD ATTRIBUTE left_in_day bigint,  -- NULL: no daily cap
    ADD ATTRIBUTE left_in_minute bigint,  -- NULL: no rate; below zero after a message larger than the rate
    ADD ATTRIBUTE minute_rate bigint;

GRANT SELECT, INSERT, UPDATE ON platform.plan TO frankpost_web;
GRANT UPDATE (customers_cap) ON platform.reseller TO frankpost_web;
