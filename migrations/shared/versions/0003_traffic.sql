-- What destinations bear: limits by provider, and lanes that back off.

-- Limits for the mail servers under some suffixes, over all workers and for each of our addresses. The rule `default`
-- has no suffix and holds for everybody else. NULL: no such limit.
CREATE TABLE relay.traffic_rule (
    name text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9-]{0,40}$'),
    mx_suffixes text[] NOT NULL DEFAULT '{}',
    one_lane boolean NOT NULL DEFAULT true,  -- all servers share the limits; else each set of servers has its own
    connections integer NOT NULL CHECK (connections BETWEEN 1 AND 1000),
    connections_per_minute integer CHECK (connections_per_minute BETWEEN 1 AND 100000),
    messages_per_connection integer NOT NULL CHECK (messages_per_connection BETWEEN 1 AND 100000),
    messages_per_hour integer CHECK (messages_per_hour BETWEEN 1 AND 100000000),
    requires_tls boolean NOT NULL DEFAULT false,
    source text NOT NULL,  -- who says so
    sourced_on date NOT NULL,
    CHECK ((name = 'default') = (mx_suffixes = '{}'))
);

-- What a lane does when a reply holds this text: nothing for pause_seconds, then one connection; at most
-- messages_per_minute for hold_seconds.
CREATE TABLE relay.traffic_reaction (
    rule text NOT NULL REFERENCES relay.traffic_rule ON DELETE CASCADE,
    says text NOT NULL CHECK (says <> '' AND says = lower(says)),
    pause_seconds integer NOT NULL DEFAULT 0 CHECK (pause_seconds BETWEEN 0 AND 86400),
    messages_per_minute integer CHECK (messages_per_minute BETWEEN 1 AND 10000),
    hold_seconds integer NOT NULL DEFAULT 0 CHECK (hold_seconds BETWEEN 0 AND 86400),
    PRIMARY KEY (rule, says),
    CHECK (pause_seconds > 0 OR (messages_per_minute IS NOT NULL AND hold_seconds > 0))
);

-- Lanes that were held back lately: a site from one of our addresses ('' where the system chose it). Written when
-- something changes, read by all workers. `connections` NULL: as many as the rule allows.
CREATE TABLE relay.lane_state (
    lane integer NOT NULL,
    source text NOT NULL,
    site text NOT NULL,
    rule text NOT NULL,
    connections integer,
    per_minute integer,
    per_minute_until timestamptz,
    closed_until timestamptz,
    step smallint NOT NULL,
    reason text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (lane, source)
);
CREATE INDEX lane_state_changed ON relay.lane_state (changed_at);

INSERT INTO relay.traffic_rule
    (name, mx_suffixes, one_lane, connections, connections_per_minute, messages_per_connection, requires_tls, source,
     sourced_on)
VALUES
    ('default', '{}', false, 10, 100, 100, false, 'KumoMTA shaping rules', '2026-08-01'),
    ('google', '{google.com,googlemail.com}', true, 5, NULL, 50, true, 'KumoMTA shaping rules', '2026-08-01'),
    ('microsoft', '{olc.protection.outlook.com,mail.protection.outlook.com,mx.microsoft}', false, 5, NULL, 50, false,
     'KumoMTA shaping rules', '2026-08-01'),
    ('yahoo', '{yahoodns.net}', true, 10, 100, 20, false, 'KumoMTA shaping rules', '2026-08-01'),
    ('apple', '{icloud.com}', true, 10, NULL, 5, false, 'KumoMTA shaping rules', '2026-08-01'),
    ('gmx', '{gmx.net,web.de}', true, 4, NULL, 20, true, 'KumoMTA shaping rules', '2026-08-01'),
    ('orange', '{orange.fr}', true, 2, NULL, 100, true, 'KumoMTA shaping rules', '2026-08-01'),
    ('comcast', '{comcast.net}', true, 25, NULL, 1000, true, 'KumoMTA shaping rules', '2026-08-01'),
    ('barracuda', '{barracudanetworks.com}', false, 10, NULL, 15, true, 'KumoMTA shaping rules', '2026-08-01'),
    ('mimecast', '{mimecast.com}', false, 10, NULL, 100, false, 'KumoMTA shaping rules', '2026-08-01'),
    ('qq', '{qq.com}', true, 4, NULL, 8, true, 'KumoMTA shaping rules', '2026-08-01');

INSERT INTO relay.traffic_reaction (rule, says, pause_seconds, messages_per_minute, hold_seconds) VALUES
    -- Google's guidelines: stop for ten minutes at least, go on with one connection, add one at a time.
    ('google', '4.7.28', 600, NULL, 0),
    ('yahoo', 'tss04', 7200, NULL, 0),
    ('default', 'temporarily deferred', 0, 1, 5400),
    ('default', 'rate limited', 0, 1, 5400);

GRANT SELECT, INSERT, UPDATE, DELETE ON relay.traffic_rule, relay.traffic_reaction TO frankpost_web;
GRANT SELECT, UPDATE ON relay.lane_state TO frankpost_web;
