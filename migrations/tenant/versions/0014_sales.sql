-- VAT at the sale, and dedicated IPs by the month.

-- How much of `asked` is VAT; 0 where nothing was added to the price, as for money into the wallet.
ALTER TABLE payment ADD COLUMN tax bigint NOT NULL DEFAULT 0 CHECK (tax BETWEEN 0 AND asked);

-- Dedicated IPs by the month, each with the id of the payment for the first. `price`: of all addresses for a month, before
-- VAT. A period ends on the anchor's day of a month, at midnight where the account is, as those of plans do.
CREATE TABLE ip_rental (
    id uuid PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES account ON DELETE CASCADE,
    addresses integer NOT NULL CHECK (addresses > 0),
    price bigint NOT NULL CHECK (price >= 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    status text NOT NULL CHECK (status IN ('active', 'past_due', 'ended')),
    status_since timestamptz NOT NULL,
    cancelled boolean NOT NULL DEFAULT false,  -- nothing follows the present period
    paid boolean NOT NULL,  -- this period is
    anchor_on date NOT NULL,
    periods integer NOT NULL CHECK (periods >= 0),
    period_start timestamptz NOT NULL,
    period_end timestamptz NOT NULL CHECK (period_end > period_start)
);
CREATE INDEX ip_rental_account ON ip_rental (account_id);
CREATE INDEX ip_rental_due ON ip_rental (period_end) WHERE status <> 'ended';
GRANT SELECT, INSERT, UPDATE ON ip_rental TO {role};

-- The logins with which letters of the reseller's own were handed to the relay: they are put into the queue now.
DELETE FROM smtp_account WHERE user_name LIKE 'letters-%';
