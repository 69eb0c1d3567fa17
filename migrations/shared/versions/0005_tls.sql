-- Transport security: policies of domains, and how connections came out.

-- MTA-STS policies as fetched. A table and not a cache in Redis: whoever can hide a domain's records from us must not
-- gain anything by our forgetting what the domain has asked for (RFC 8461 10.2).
CREATE TABLE relay.mta_sts_policy (
    domain text PRIMARY KEY,
    id text NOT NULL,
    policy text NOT NULL,
    fetched_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX mta_sts_policy_fetched ON relay.mta_sts_policy (fetched_at);

-- Sessions by day (UTC), for TLS reports (RFC 8460). result_type is 'success' or a failure of RFC 8460 4.3; `policy` is
-- the text last applied that day, one line each. mx_host is '' where a policy could not be had.
CREATE TABLE relay.tls_report (
    day date NOT NULL,
    policy_domain text NOT NULL,
    policy_type text NOT NULL CHECK (policy_type IN ('tlsa', 'sts', 'no-policy-found')),
    mx_host text NOT NULL,
    result_type text NOT NULL,
    sessions bigint NOT NULL,
    policy text[] NOT NULL,
    PRIMARY KEY (day, policy_domain, policy_type, mx_host, result_type)
);

-- What a worker adds to one row of that.
CREATE TYPE relay.tls_count AS (
    day date,
    policy_domain text,
    policy_type text,
    mx_host text,
    result_type text,
    sessions bigint,
    policy text[]
);
