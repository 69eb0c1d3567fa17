-- What was agreed about VAT when something was paid: net, tax, rate, treatment, and the buyer's tax data. The invoice says the
-- same. NULL: nothing was written down; then the invoice goes by what holds when it is made.
ALTER TABLE payment ADD COLUMN agreed jsonb CHECK (jsonb_typeof(agreed) = 'object');
ALTER TABLE wallet_entry ADD COLUMN agreed jsonb CHECK (jsonb_typeof(agreed) = 'object');

-- What the dedicated IPs of a customer cost its reseller at the platform is a rental of the main account, `for_rental` that of
-- the customer: its months are the same, and both end together.
ALTER TABLE ip_rental ADD COLUMN for_rental uuid UNIQUE REFERENCES ip_rental ON DELETE CASCADE;
