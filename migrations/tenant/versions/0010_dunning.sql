-- Reminders of what is unpaid, and of credits about to lapse.

-- How far each account that owes something has been led; it goes when all is paid. `due_on`: since when the oldest of it is
-- due. `suspended`: by this, and not by a person, so that payment may lift it.
CREATE TABLE dunning (
    account_id bigint PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    step text NOT NULL CHECK (step IN ('reminder', 'grace', 'suspension')),
    due_on date NOT NULL,
    step_at timestamptz NOT NULL,
    suspended boolean NOT NULL DEFAULT false
);

-- What people are told by mail, each once: made when it becomes true, told when the relay has the mail.
CREATE TABLE billing_notice (
    account_id bigint NOT NULL REFERENCES account ON DELETE CASCADE,
    kind text NOT NULL,
    reference text NOT NULL,
    made_at timestamptz NOT NULL,
    told_at timestamptz,
    PRIMARY KEY (account_id, kind, reference)
);
CREATE INDEX billing_notice_untold ON billing_notice (made_at) WHERE told_at IS NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON dunning TO {role};
GRANT SELECT, INSERT, UPDATE ON billing_notice TO {role};
