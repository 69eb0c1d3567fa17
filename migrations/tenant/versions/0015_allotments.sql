-- Whatever changes what an account may send takes back what is allotted to it, in the same transaction: it counts from the
-- next message.
CREATE TRIGGER account_allotment AFTER UPDATE OF state, time_zone, monthly_cap, daily_cap, minute_rate, at_quota_end,
        plan_quota, period_start, period_end, next_quota, overage_quota, next_overage_quota
    ON account FOR EACH ROW EXECUTE FUNCTION relay.take_back_allotment();

-- And so do credits that come: they may lapse before those of the lot that it is taken out of, and then they go first.
CREATE TRIGGER credit_lot_allotment AFTER INSERT
    ON credit_lot FOR EACH ROW EXECUTE FUNCTION relay.take_back_allotment();

DROP FUNCTION IF EXISTS accept(timestamptz, uuid[], relay.submission[], bytea[], bigint[], bigint);
DROP FUNCTION IF EXISTS record(smallint, relay.result[], relay.result[], relay.hour_counts[]);
