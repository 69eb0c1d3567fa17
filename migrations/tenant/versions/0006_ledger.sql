-- Where lots come from and what they cost, what customers pay for them, and which recipients were given back.

-- In minor units of `currency`; '' while nothing was paid for them.
ALTER TABLE credit_lot
    ADD COLUMN cost bigint NOT NULL DEFAULT 0 CHECK (cost >= 0),
    ADD COLUMN currency text NOT NULL DEFAULT '';

-- Credits on their way between the reseller's stock and a customer, one row for each pair of lots: above zero when they
-- were handed over, below when they were taken back; `cost` and `price` have the sign of `credits`.
CREATE TABLE credit_transfer (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    account_id bigint NOT NULL REFERENCES account,  -- the customer's
    stock_lot bigint NOT NULL REFERENCES credit_lot,
    customer_lot bigint NOT NULL REFERENCES credit_lot,
    credits bigint NOT NULL CHECK (credits <> 0),
    cost bigint NOT NULL,
    cost_currency text NOT NULL,
    price bigint NOT NULL,
    price_currency text NOT NULL
);
CREATE INDEX credit_transfer_stock ON credit_transfer (stock_lot);
CREATE INDEX credit_transfer_customer ON credit_transfer (customer_lot);
CREATE INDEX credit_transfer_account ON credit_transfer (account_id, at);

-- What a customer pays for 1,000 credits, in minor units. The main account's row is the list price of all the others.
CREATE TABLE credit_price (
    account_id bigint PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    per_thousand bigint NOT NULL CHECK (per_thousand >= 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    changed_at timestamptz NOT NULL
);

-- Recipients that were paid for, never tried, and given back: once, whatever runs twice. lot_id NULL: to the plan.
CREATE TABLE credit_refund (
    message_id uuid NOT NULL,
    n smallint NOT NULL,
    account_id bigint NOT NULL,
    lot_id bigint,
    at timestamptz NOT NULL,
    PRIMARY KEY (message_id, n)
);

-- What is written here stays as it was written, whoever asks: a correction is another entry.
CREATE FUNCTION forbid_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed or removed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
REVOKE ALL ON FUNCTION forbid_change FROM PUBLIC;
CREATE TRIGGER credit_entry_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON credit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();
CREATE TRIGGER credit_transfer_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON credit_transfer
    FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();
CREATE TRIGGER credit_refund_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON credit_refund
    FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();
-- Of a lot only `remaining` may change; acceptance, which changes nothing else, never runs this.
CREATE TRIGGER credit_lot_stays
    BEFORE UPDATE OF id, account_id, credits, origin, acquired_at, expires_at, cost, currency OR DELETE OR TRUNCATE
    ON credit_lot FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();

GRANT SELECT, INSERT ON credit_transfer TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON credit_price TO {role};
GRANT SELECT ON credit_refund TO {role};
