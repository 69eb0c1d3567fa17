-- Payments of resellers to the platform, and the payment service's events.

-- What the platform asks: minor currency units for 1,000 credits, or for one dedicated IP. The line with the largest
-- `from_units` that is not above the number bought counts for all of them. Without a reseller: for everybody who has no
-- lines of its own for that good.
CREATE TABLE platform.price (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reseller_id integer REFERENCES platform.reseller ON DELETE CASCADE,
    good text NOT NULL CHECK (good IN ('credits', 'dedicated_ip')),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    from_units bigint NOT NULL DEFAULT 1 CHECK (from_units > 0),
    amount bigint NOT NULL CHECK (amount > 0),
    UNIQUE NULLS NOT DISTINCT (reseller_id, good, currency, from_units)
);

-- Everything the payment service has told us, as it came: `payload` is the body whose signature was checked. `account`:
-- the connected account it is about, or ''. `next_at`: when an event that is not settled is looked at again.
CREATE TABLE platform.stripe_event (
    id text PRIMARY KEY,
    type text NOT NULL,
    account text NOT NULL DEFAULT '',
    payload text NOT NULL,
    happened_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'received' CHECK (state IN ('received', 'applied', 'ignored', 'waiting', 'failed')),
    reseller_id integer REFERENCES platform.reseller ON DELETE SET NULL,
    attempts integer NOT NULL DEFAULT 0,
    next_at timestamptz,
    settled_at timestamptz,
    problem text NOT NULL DEFAULT ''
);
CREATE INDEX stripe_event_unsettled ON platform.stripe_event (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX stripe_event_newest ON platform.stripe_event (received_at DESC, id);

-- Whose a customer (cus_), a payment intent (pi_) or a connected account (acct_) is.
CREATE TABLE platform.stripe_route (
    reference text PRIMARY KEY,
    reseller_id integer NOT NULL REFERENCES platform.reseller ON DELETE CASCADE
);
CREATE INDEX stripe_route_reseller ON platform.stripe_route (reseller_id);

-- Dedicated IPs that were paid for. Staff assigns the address; `payment_id` is in the reseller's schema.
CREATE TABLE platform.ip_order (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reseller_id integer NOT NULL REFERENCES platform.reseller ON DELETE CASCADE,
    account_id bigint NOT NULL,
    payment_id uuid NOT NULL,
    addresses integer NOT NULL CHECK (addresses > 0),
    state text NOT NULL DEFAULT 'ordered' CHECK (state IN ('ordered', 'fulfilled', 'cancelled')),
    ordered_at timestamptz NOT NULL,
    closed_at timestamptz,
    UNIQUE (reseller_id, payment_id)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON platform.price TO frankpost_web;
GRANT SELECT, INSERT, UPDATE ON platform.stripe_event, platform.ip_order TO frankpost_web;
GRANT SELECT, INSERT, DELETE ON platform.stripe_route TO frankpost_web;
