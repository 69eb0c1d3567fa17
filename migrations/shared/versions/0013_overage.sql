-- Overage: what the platform's plans ask for e-mails beyond those that are included, and what acceptance is told of it.

-- `overage_price`: minor units of the plan's currency for 1,000 recipients, before VAT; NULL: there is no overage.
-- `overage_limit`: most of them in a period; NULL: no limit.
ALTER TABLE platform.plan
    ADD COLUMN overage_price bigint CHECK (overage_price > 0),
    ADD COLUMN overage_limit bigint CHECK (overage_limit > 0),
    ADD CONSTRAINT plan_overage CHECK (overage_limit IS NULL OR overage_price IS NOT NULL);

ALTER TYPE relay.standing ADD ATTRIBUTE left_in_overage bigint;
ALTER TYPE relay.decision ADD ATTRIBUTE from_overage bigint;
