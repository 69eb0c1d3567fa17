-- What the doors hand over has changed; and what senders ask (RFC 3461), and why attempts came out so, is kept.

DROP FUNCTION IF EXISTS accept(timestamptz, relay.submission[], bigint[]);
DROP FUNCTION IF EXISTS record(smallint, relay.result[]);

ALTER TABLE message
    ADD COLUMN envelope_id text NOT NULL DEFAULT '',
    ADD COLUMN dsn_return text NOT NULL DEFAULT '';
ALTER TABLE recipient
    ADD COLUMN outcome_class text NOT NULL DEFAULT '',
    ADD COLUMN dsn text;
ALTER TABLE event
    ADD COLUMN outcome_class text NOT NULL DEFAULT '',
    ADD COLUMN source_address text NOT NULL DEFAULT '';

-- One index instead of two: written for almost every batch, read by account alone.
ALTER TABLE credit_entry DROP CONSTRAINT credit_entry_pkey, ADD PRIMARY KEY (account_id, id);
DROP INDEX credit_entry_account;
