-- What comes back: asynchronous bounces, complaints, unsubscribes.

ALTER TABLE stats_hour
    ADD COLUMN complained bigint NOT NULL DEFAULT 0,
    ADD COLUMN unsubscribed bigint NOT NULL DEFAULT 0;

CREATE INDEX suppression_newest ON suppression (account_id, created_at DESC, address);

CREATE TRIGGER domain_return_path AFTER INSERT OR DELETE OR UPDATE OF name, return_path_verified
    ON domain FOR EACH ROW EXECUTE FUNCTION relay.keep_return_path_domain();
UPDATE domain SET return_path_verified = true WHERE return_path_verified;  -- so that those of before are known, too
