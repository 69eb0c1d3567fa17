-- What the platform asks of a reseller for a dedicated IP that it hands on to a customer, a month. No line: nothing.
ALTER TABLE platform.price DROP CONSTRAINT price_good_check;
ALTER TABLE platform.price
    ADD CONSTRAINT price_good_check CHECK (good IN ('credits', 'dedicated_ip', 'handed_on_ip'));
