-- Overage: e-mails beyond what a plan includes and credits cover, at a price that was agreed.

-- How many of them acceptance may take in the period, and after period_end until the renewal has come; 0: none.
ALTER TABLE account
    ADD COLUMN overage_quota bigint NOT NULL DEFAULT 0 CHECK (overage_quota >= 0),
    ADD COLUMN next_overage_quota bigint NOT NULL DEFAULT 0 CHECK (next_overage_quota >= 0);

-- How many of the accepted are overage. Each such recipient has the lot 0, which is none.
ALTER TABLE account_month ADD COLUMN overage bigint NOT NULL DEFAULT 0;

-- The same as of platform.plan.
ALTER TABLE plan
    ADD COLUMN overage_price bigint CHECK (overage_price > 0),
    ADD COLUMN overage_limit bigint CHECK (overage_limit > 0),
    ADD CONSTRAINT plan_overage CHECK (overage_limit IS NULL OR overage_price IS NOT NULL);
ALTER TABLE subscription
    ADD COLUMN overage_price bigint CHECK (overage_price > 0),
    ADD COLUMN overage_limit bigint CHECK (overage_limit > 0);

-- What overage of a period costs, in minor units for 1,000, and how many there may be at most (NULL: no limit): of all
-- terms that held in the period the lowest price and the highest limit. It is there before the first is accepted, but
-- for those between the end of a period and its renewal.
CREATE TABLE overage_terms (
    account_id bigint NOT NULL REFERENCES account ON DELETE CASCADE,
    period timestamptz NOT NULL,
    per_thousand bigint NOT NULL CHECK (per_thousand > 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    most bigint CHECK (most > 0),
    PRIMARY KEY (account_id, period)
);
GRANT SELECT, INSERT, UPDATE ON overage_terms TO {role};
