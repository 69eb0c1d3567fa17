-- Invoices of the reseller to its sub-accounts; the same shape as the platform's to its resellers.

-- Who an account is before the tax office: the main account's is the reseller's own, as a seller and as a buyer.
-- `language` is that of its papers, ISO 639-1.
CREATE TABLE tax_profile (
    account_id bigint PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    legal_name text NOT NULL CHECK (legal_name <> ''),
    street text NOT NULL DEFAULT '',
    postal_code text NOT NULL DEFAULT '',
    city text NOT NULL DEFAULT '',
    country text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    vat_id text NOT NULL DEFAULT '',
    tax_number text NOT NULL DEFAULT '',
    registration text NOT NULL DEFAULT '',
    email text NOT NULL DEFAULT '',
    language text NOT NULL DEFAULT 'en'
);

-- How the reseller bills; without it, it doesn't. `number_format` and `credit_format` hold {number}, and {year} where
-- each year begins at 1.
CREATE TABLE invoice_terms (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    number_format text NOT NULL,
    credit_format text NOT NULL,
    payment_days smallint NOT NULL CHECK (payment_days BETWEEN 0 AND 365),
    account_holder text NOT NULL DEFAULT '',
    iban text NOT NULL DEFAULT '',
    bic text NOT NULL DEFAULT '',
    bank_name text NOT NULL DEFAULT '',
    one_stop_shop boolean NOT NULL DEFAULT false,
    logo bytea
);

-- The last number given, for each series. The row stays locked until the invoice that took the number is committed, so
-- that an invoice that fails gives its number back.
CREATE TABLE invoice_series (
    name text PRIMARY KEY,
    last_number bigint NOT NULL DEFAULT 0,
    last_date date NOT NULL
);

-- `buyer_id` is an account that may be gone by now. `document` is the whole paper, `reference` what it was made for (at most once). Amounts are minor units of `currency`.
CREATE TABLE invoice (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    buyer_id bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('invoice', 'credit_note')),
    number text NOT NULL UNIQUE CHECK (number <> ''),
    series text NOT NULL,
    series_number bigint NOT NULL,
    reference text NOT NULL DEFAULT '',
    corrects_id bigint REFERENCES invoice CHECK ((corrects_id IS NULL) = (kind = 'invoice')),
    issued_at timestamptz NOT NULL,
    issue_date date NOT NULL,
    due_date date NOT NULL,
    currency text NOT NULL,
    net bigint NOT NULL,
    tax bigint NOT NULL,
    gross bigint NOT NULL CHECK (gross = net + tax),
    paid bigint NOT NULL,  -- before it was issued
    due bigint NOT NULL,
    document jsonb NOT NULL,
    UNIQUE (series, series_number)
);
CREATE INDEX invoice_buyer ON invoice (buyer_id, id DESC);
CREATE INDEX invoice_corrects ON invoice (corrects_id) WHERE corrects_id IS NOT NULL;
CREATE UNIQUE INDEX invoice_reference ON invoice (buyer_id, reference) WHERE reference <> '';
CREATE TRIGGER invoice_stays BEFORE UPDATE OR DELETE ON invoice
    FOR EACH ROW EXECUTE FUNCTION platform.refuse_change();

-- What was billed, by the key of its source (`lot:7`): nothing is billed twice.
CREATE TABLE invoiced_item (
    buyer_id bigint NOT NULL,
    source text NOT NULL,
    invoice_id bigint NOT NULL REFERENCES invoice,
    PRIMARY KEY (buyer_id, source)
);

-- Money that came for an invoice after it was issued, each payment once by its reference. Only ever added to.
CREATE TABLE invoice_payment (
    invoice_id bigint NOT NULL REFERENCES invoice,
    reference text NOT NULL CHECK (reference <> ''),
    amount bigint NOT NULL CHECK (amount <> 0),
    at timestamptz NOT NULL,
    PRIMARY KEY (invoice_id, reference)
);

-- The paper as it was first made; whoever asks again gets the same bytes.
CREATE TABLE invoice_pdf (
    invoice_id bigint PRIMARY KEY REFERENCES invoice,
    pdf bytea STORAGE EXTERNAL NOT NULL
);
CREATE TRIGGER invoice_pdf_stays BEFORE UPDATE OR DELETE ON invoice_pdf
    FOR EACH ROW EXECUTE FUNCTION platform.refuse_change();

-- E-mails with invoices: asked for, then sent. `tries` failed so far, `problem` says how the last one did.
CREATE TABLE invoice_sending (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    invoice_id bigint NOT NULL REFERENCES invoice,
    send_to text NOT NULL,
    asked_at timestamptz NOT NULL,
    next_at timestamptz,
    tries smallint NOT NULL DEFAULT 0,
    sent_at timestamptz,
    problem text NOT NULL DEFAULT ''
);
CREATE INDEX invoice_sending_invoice ON invoice_sending (invoice_id);
CREATE INDEX invoice_sending_due ON invoice_sending (next_at) WHERE next_at IS NOT NULL;

GRANT SELECT, INSERT, UPDATE ON tax_profile, invoice_terms, invoice_series, invoice_sending TO {role};
GRANT DELETE ON tax_profile TO {role};
GRANT SELECT, INSERT ON invoice, invoiced_item, invoice_payment, invoice_pdf TO {role};
