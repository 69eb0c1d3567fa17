-- Dedicated IPs by the month: which address an order has got, and the end of an order.

-- `ended`: the rental is over, and its addresses go back.
ALTER TABLE platform.ip_order DROP CONSTRAINT ip_order_state_check;
ALTER TABLE platform.ip_order
    ADD CONSTRAINT ip_order_state_check CHECK (state IN ('ordered', 'fulfilled', 'cancelled', 'ended'));

-- The addresses of an order, and where each goes back to. None is in two orders at a time.
CREATE TABLE platform.rented_address (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id bigint NOT NULL REFERENCES platform.ip_order ON DELETE CASCADE,
    ip_id integer NOT NULL REFERENCES platform.ip_address,
    came_from integer REFERENCES platform.ip_pool ON DELETE SET NULL,
    handed_over_at timestamptz NOT NULL,
    returned_at timestamptz
);
CREATE UNIQUE INDEX rented_address_once ON platform.rented_address (ip_id) WHERE returned_at IS NULL;
CREATE INDEX rented_address_order ON platform.rented_address (order_id);

GRANT SELECT, INSERT, UPDATE ON platform.rented_address TO frankpost_web;
