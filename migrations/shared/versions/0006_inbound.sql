-- Mail that comes back to us: bounces, complaints, unsubscribes. It is kept before it is acknowledged, and read later.

-- One recipient of one mail, as it came. `next_at`: when an unread one may be read (again); `reason`: why a mail that
-- was not understood was not, and what else a person should know of it.
CREATE TABLE relay.inbound (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reseller_id integer REFERENCES platform.reseller ON DELETE CASCADE,  -- NULL: the platform's own postmaster
    kind text NOT NULL CHECK (kind IN ('return_path', 'feedback', 'unsubscribe', 'postmaster')),
    mail_from text NOT NULL,
    rcpt_to text NOT NULL,
    client_address text NOT NULL,
    received_at timestamptz NOT NULL,
    raw bytea STORAGE EXTERNAL NOT NULL,
    state text NOT NULL DEFAULT 'unread' CHECK (state IN ('unread', 'applied', 'not_understood')),
    reason text NOT NULL DEFAULT '',
    tries smallint NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX inbound_unread ON relay.inbound (next_at) WHERE state = 'unread';
CREATE INDEX inbound_for_people ON relay.inbound (id) WHERE state = 'not_understood';
CREATE INDEX inbound_reseller ON relay.inbound (reseller_id);

-- Sending domains of customers whose return-path label leads to us. Kept by a trigger on each reseller's domains, never
-- written otherwise. Two resellers may have the same domain, though its label leads to one of them.
CREATE TABLE relay.return_path_domain (
    domain text NOT NULL,
    reseller_id integer NOT NULL REFERENCES platform.reseller ON DELETE CASCADE,
    PRIMARY KEY (domain, reseller_id)
);
CREATE INDEX return_path_domain_reseller ON relay.return_path_domain (reseller_id);

-- What somebody says of one recipient. The message is named by our own mark (message_id, n), or by its Message-ID and
-- about when it was sent. `addresses` are those by which the report names the recipient, in lower case; NULL: the mark
-- names just this recipient. A link tells the account, too.
CREATE TYPE relay.feedback AS (
    kind text,  -- platform_core.mail.states.EventKind
    at timestamptz,
    origin text,  -- how it reached us, for the suppression's origin
    message_id uuid,
    n smallint,
    header_id text,
    sent_at timestamptz,
    addresses text[],
    account_id bigint,
    bounce_kind text,
    outcome_class text,
    reply_code integer,
    enhanced_code text,
    reply_text text,
    remote_address text
);

ALTER TYPE relay.claimed
    ADD ATTRIBUTE suppressed boolean;  -- since the message was accepted
