-- Wallets, payments and cards of accounts.

-- Money that was paid in and not spent yet. The balance is the sum of the entries; the wallet's row is its lock, and says
-- in which currency it is kept.
CREATE TABLE wallet (
    account_id bigint PRIMARY KEY REFERENCES account,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    opened_at timestamptz NOT NULL
);

-- Only ever added to. One entry for each reason and reference: whoever comes twice finds it written.
CREATE TABLE wallet_entry (
    account_id bigint NOT NULL REFERENCES wallet,
    id bigint GENERATED ALWAYS AS IDENTITY,
    amount bigint NOT NULL CHECK (amount <> 0),
    reason text NOT NULL,
    reference text NOT NULL,
    note text NOT NULL DEFAULT '',
    at timestamptz NOT NULL,
    PRIMARY KEY (account_id, id),
    UNIQUE (account_id, reason, reference)
);

-- The reseller's own account at the payment service, to which its customers pay.
CREATE TABLE seller (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    stripe_account text NOT NULL UNIQUE,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    charges_enabled boolean NOT NULL DEFAULT false,
    details_submitted boolean NOT NULL DEFAULT false,
    told_at timestamptz,
    connected_at timestamptz NOT NULL
);

-- What a dedicated IP costs a customer, in minor units. The main account's row is the list price of all the others.
CREATE TABLE ip_price (
    account_id bigint PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    changed_at timestamptz NOT NULL
);

-- An account as a customer of whoever sells to it: the platform (stripe_account '') or the reseller.
CREATE TABLE payment_customer (
    account_id bigint NOT NULL REFERENCES account ON DELETE CASCADE,
    stripe_account text NOT NULL DEFAULT '',
    customer text NOT NULL UNIQUE,
    PRIMARY KEY (account_id, stripe_account)
);

CREATE TABLE card (
    id text PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES account ON DELETE CASCADE,
    stripe_account text NOT NULL DEFAULT '',
    brand text NOT NULL,
    last4 text NOT NULL,
    exp_month smallint NOT NULL,
    exp_year smallint NOT NULL,
    told_at timestamptz NOT NULL,
    removed_at timestamptz
);
CREATE INDEX card_account ON card (account_id) WHERE removed_at IS NULL;

-- One thing bought with money from outside, or out of the wallet. `asked` is what the buyer was asked for, the other amounts are what the
-- payment service reports; all in minor units of `currency`. `delivered` is in the units of the good; `taken_back` and
-- `missing` are of these: what a refund took back, and what was spent before it could be.
CREATE TABLE payment (
    id uuid PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES account,
    origin text NOT NULL CHECK (origin IN ('checkout', 'top_up', 'wallet')),
    good text NOT NULL CHECK (good IN ('credits', 'wallet', 'plan', 'dedicated_ip', 'invoice')),
    units bigint NOT NULL CHECK (units > 0),
    item text NOT NULL DEFAULT '',
    description text NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    asked bigint NOT NULL CHECK (asked > 0),
    stripe_account text NOT NULL DEFAULT '',
    card_id text,
    checkout text UNIQUE,
    intent text UNIQUE,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'paid', 'failed', 'expired', 'disagreed')),
    paid bigint NOT NULL DEFAULT 0 CHECK (paid >= 0),
    refunded bigint NOT NULL DEFAULT 0 CHECK (refunded >= 0),
    delivered bigint NOT NULL DEFAULT 0 CHECK (delivered BETWEEN 0 AND units),
    taken_back bigint NOT NULL DEFAULT 0 CHECK (taken_back BETWEEN 0 AND delivered),
    missing bigint NOT NULL DEFAULT 0 CHECK (missing BETWEEN 0 AND delivered - taken_back),
    lots bigint[] NOT NULL DEFAULT '{}',
    problem text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    paid_at timestamptz,
    delivered_at timestamptz
);
CREATE INDEX payment_account ON payment (account_id, created_at DESC);
CREATE INDEX payment_undelivered ON payment (created_at) WHERE state = 'paid' AND delivered = 0;
CREATE INDEX payment_top_up_day ON payment (account_id, created_at) WHERE origin = 'top_up';
-- One automatic top-up at a time: the next may only be begun when it is known what became of this one.
CREATE UNIQUE INDEX payment_one_open_top_up ON payment (account_id) WHERE origin = 'top_up' AND state = 'open';

CREATE TABLE dispute (
    id text PRIMARY KEY,
    payment_id uuid NOT NULL REFERENCES payment,
    amount bigint NOT NULL CHECK (amount >= 0),
    state text NOT NULL CHECK (state IN ('inquiry', 'open', 'won', 'lost')),
    reason text NOT NULL DEFAULT '',
    opened_at timestamptz NOT NULL,
    closed_at timestamptz
);
CREATE INDEX dispute_payment ON dispute (payment_id);

-- Buy `units` of `good` with `card_id` whenever less than `threshold` of it is left; at most `daily_ceiling` minor units
-- in a day of the account's time zone.
CREATE TABLE top_up_rule (
    account_id bigint PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    good text NOT NULL CHECK (good IN ('credits', 'wallet')),
    threshold bigint NOT NULL CHECK (threshold > 0),
    units bigint NOT NULL CHECK (units > 0),
    daily_ceiling bigint NOT NULL CHECK (daily_ceiling > 0),
    card_id text NOT NULL REFERENCES card,
    state text NOT NULL CHECK (state IN ('on', 'off')),
    off_because text NOT NULL DEFAULT '',
    changed_at timestamptz NOT NULL,
    told_at timestamptz  -- when its owners were told by mail that it went off
);

GRANT SELECT ON wallet, wallet_entry, seller, ip_price, payment_customer, card, payment, dispute, top_up_rule TO {role};
GRANT INSERT ON wallet, wallet_entry TO {role};
GRANT UPDATE (opened_at) ON wallet TO {role};  -- never done; the right to lock the row comes with it
GRANT INSERT, UPDATE ON seller, payment_customer, card, payment, dispute, top_up_rule TO {role};
GRANT INSERT, UPDATE, DELETE ON ip_price TO {role};
GRANT DELETE ON seller, top_up_rule TO {role};
