-- Caps that few accounts have: on a day, on a minute, and on what all customers of the reseller send together. Nothing of
-- this is called for an account that has none of them.

-- How far daily cap and rate of an account let it go on. A minute's rate is a bucket of tokens that is full after a minute
-- of silence. Called with the account locked.
CREATE OR REPLACE FUNCTION pace_left(
    p_account bigint, p_at timestamptz, p_day date, p_daily_cap bigint, p_rate integer,
    OUT left_in_day bigint, OUT left_in_minute bigint
)
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    v_pace account_pace;
BEGIN
    SELECT * INTO v_pace FROM account_pace WHERE account_id = p_account;
    left_in_day := p_daily_cap - CASE WHEN v_pace.day = p_day THEN v_pace.accepted ELSE 0 END;
    -- Towards less: -1 token is a whole recipient that is still owed.
    left_in_minute := floor(tokens_of(v_pace, p_at, p_rate)::numeric / 60000000);
END $$;
REVOKE ALL ON FUNCTION pace_left FROM PUBLIC;

-- The tokens of a bucket now: what was there, and what each microsecond since has earned, at most what it holds. Clocks of
-- several relays may differ a little: time that has been counted is not counted again.
CREATE OR REPLACE FUNCTION tokens_of(p_pace account_pace, p_at timestamptz, p_rate integer) RETURNS bigint
LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT AS $$
    SELECT least(coalesce(p_pace.tokens, p_rate * 60000000::bigint) + p_rate * greatest(
                     (extract(epoch FROM least(p_at - p_pace.tokens_at, interval '1 day')) * 1000000)::bigint, 0),
                 p_rate * 60000000::bigint)
$$;
REVOKE ALL ON FUNCTION tokens_of FROM PUBLIC;

-- Count so many recipients that were accepted now. Called with the account locked.
CREATE OR REPLACE FUNCTION count_pace(p_account bigint, p_at timestamptz, p_day date, p_rate integer, p_used bigint)
RETURNS void
LANGUAGE sql SET search_path FROM CURRENT AS $$
    INSERT INTO account_pace AS p (account_id, day, accepted, tokens, tokens_at)
        VALUES (p_account, p_day, p_used, coalesce(p_rate, 0) * 60000000::bigint - p_used * 60000000, p_at)
        ON CONFLICT (account_id) DO UPDATE
        SET day = p_day, accepted = CASE WHEN p.day = p_day THEN p.accepted ELSE 0 END + p_used,
            tokens = CASE WHEN p_rate IS NULL THEN 0 ELSE tokens_of(p, p_at, p_rate) - p_used * 60000000 END,
            tokens_at = greatest(p.tokens_at, p_at)
$$;
REVOKE ALL ON FUNCTION count_pace FROM PUBLIC;

-- Begin the account's count of today anew, from the mail itself: for an account that has just got a daily cap. With the
-- account locked and its allotment ended, one look sees all that was accepted, in the tables or on its way there. The
-- bucket is full. Open to the reseller's own role.
CREATE OR REPLACE FUNCTION recount_pace(p_account bigint, p_at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    v_account account;
    v_midnight timestamptz;
BEGIN
    SELECT * INTO v_account FROM account WHERE id = p_account FOR NO KEY UPDATE;
    v_midnight := date_trunc('day', p_at, v_account.time_zone);
    INSERT INTO account_pace (account_id, day, accepted, tokens, tokens_at)
        SELECT p_account, (p_at AT TIME ZONE v_account.time_zone)::date,
               count(*) + relay.only_logged((SELECT id FROM platform.reseller WHERE 'r_' || key = current_schema()),
                                            p_account, v_midnight),
               coalesce(v_account.minute_rate, 0) * 60000000::bigint, p_at
        FROM message m JOIN recipient r ON r.message_id = m.id
        -- The first 48 bits of an id are its milliseconds (RFC 9562 5.7): an hour's margin, then the exact time.
        WHERE m.account_id = p_account AND m.received_at >= v_midnight AND r.state NOT IN ('held', 'dropped')
          AND m.id >= (lpad(to_hex((extract(epoch FROM v_midnight) * 1000)::bigint - 3600000), 12, '0')
                       || '00000000000000000000')::uuid
        ON CONFLICT (account_id) DO UPDATE
        SET day = excluded.day, accepted = excluded.accepted, tokens = excluded.tokens, tokens_at = excluded.tokens_at;
END $$;
REVOKE ALL ON FUNCTION recount_pace FROM PUBLIC;
GRANT EXECUTE ON FUNCTION recount_pace TO {role};

-- The month, in the main account's time zone, in which customers are counted together.
CREATE OR REPLACE FUNCTION customers_month_of(p_at timestamptz) RETURNS date
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT date_trunc('month', p_at AT TIME ZONE time_zone)::date FROM account WHERE kind = 'main'
$$;
REVOKE ALL ON FUNCTION customers_month_of FROM PUBLIC;

-- What all customers have sent together this month. Locks the count: whoever calls this does so before it locks any account
-- of this reseller, so that nobody waits in a circle.
CREATE OR REPLACE FUNCTION lock_customers(p_at timestamptz, OUT month date, OUT accepted bigint)
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    month := customers_month_of(p_at);
    SELECT c.accepted INTO accepted FROM customers_month c WHERE c.month = lock_customers.month FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO customers_month AS c (month) VALUES (lock_customers.month)
            ON CONFLICT ON CONSTRAINT customers_month_pkey DO UPDATE SET accepted = c.accepted
            RETURNING c.accepted INTO accepted;
    END IF;
END $$;
REVOKE ALL ON FUNCTION lock_customers FROM PUBLIC;

-- Begin the count of this month anew, from what each customer has sent in its own: for a reseller that has just got a cap
-- on the sum. Mail that is being accepted at this moment is waited for. Open to the reseller's own role.
CREATE OR REPLACE FUNCTION recount_customers(p_at timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    v_month date := (SELECT month FROM lock_customers(p_at));
    v_accepted bigint;
BEGIN
    PERFORM FROM account WHERE kind = 'sub' ORDER BY id FOR NO KEY UPDATE;
    SELECT coalesce(sum(m.accepted), 0) INTO v_accepted
        FROM account_month m JOIN account a ON a.id = m.account_id WHERE a.kind = 'sub' AND m.month = v_month;
    UPDATE customers_month SET accepted = v_accepted WHERE month = v_month;
    RETURN v_accepted;
END $$;
REVOKE ALL ON FUNCTION recount_customers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION recount_customers TO {role};

-- The cap on the sum of this schema's customers; NULL: there is none.
CREATE OR REPLACE FUNCTION customers_cap() RETURNS bigint
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT customers_cap FROM platform.reseller WHERE 'r_' || key = current_schema()
$$;
REVOKE ALL ON FUNCTION customers_cap FROM PUBLIC;
