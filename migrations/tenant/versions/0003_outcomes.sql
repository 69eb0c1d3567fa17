-- What accounts ask of all their mail, the reseller's own signature beside its customers', and the reports that senders
-- ask for (RFC 3461).

-- list_unsubscribe: mail without a List-Unsubscribe of its own gets ours. require_tls: no mail of it goes in clear.
ALTER TABLE account
    ADD COLUMN list_unsubscribe boolean NOT NULL DEFAULT false,
    ADD COLUMN require_tls boolean NOT NULL DEFAULT false;

-- The domain that signs every message a second time. `verified`: its record was found, so it signs.
CREATE TABLE signing_domain (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    name text NOT NULL CHECK (name = lower(name) AND name <> ''),
    selector text NOT NULL,
    public_key text NOT NULL,
    sealed_key bytea NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'verified')),
    checks jsonb NOT NULL DEFAULT '[]',
    checked_at timestamptz,
    failing_since timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Reports that came due. One of a kind for each recipient, whatever runs twice. `report_id`: the message that carries it,
-- NULL until that is queued; a report that must not be sent (it would answer a report) is closed without one.
CREATE TABLE notice (
    message_id uuid NOT NULL,
    n smallint NOT NULL,
    action text NOT NULL CHECK (action IN ('failed', 'delayed', 'delivered', 'relayed')),
    at timestamptz NOT NULL,
    status text NOT NULL DEFAULT '',
    diagnostic text NOT NULL DEFAULT '',
    remote_host text NOT NULL DEFAULT '',
    report_id uuid,
    closed_at timestamptz,
    PRIMARY KEY (message_id, n, action)
);
CREATE INDEX notice_open ON notice (message_id) WHERE closed_at IS NULL;

-- Those who ask are few: the index holds them alone, and only until what they ask for is settled.
ALTER TABLE recipient ADD COLUMN dsn_settled boolean NOT NULL DEFAULT false;
CREATE INDEX recipient_dsn ON recipient (message_id, n) WHERE dsn IS NOT NULL AND NOT dsn_settled;

DROP FUNCTION IF EXISTS signing_key(bigint, text);

GRANT SELECT, INSERT, UPDATE, DELETE ON signing_domain TO {role};
GRANT SELECT ON notice TO {role};
