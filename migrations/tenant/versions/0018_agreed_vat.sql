-- What was agreed about VAT when something was paid: net, tax, rate, treatment, and the buyer's tax data. The invoice says the
-- same. NULL: nothing was written down; then the invoice goes by what holds when it is made.
ALTER TABLE payment ADD COLUMN agreed jsonb CHECK (jsonb_typeof(agreed) = 'object');
ALTER TABLE wallet_entry ADD COLUMN agreed jsonb CHECK (jsonb_typeof(agreed) = 'object');
