-- The platform's invoices to its resellers. A reseller's own, to its sub-accounts, have the same shape in its schema.

-- An issued invoice is evidence: nobody changes it, the owner of the tables included. What is wrong is credited.
CREATE FUNCTION platform.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'A row of % stays as it was written.', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

-- Who the platform is before the tax office. `language` is that of its papers, ISO 639-1.
CREATE TABLE platform.tax_profile (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
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

-- How the platform bills. `number_format` and `credit_format` hold {number}, and {year} where each year begins at 1.
CREATE TABLE platform.invoice_terms (
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
CREATE TABLE platform.invoice_series (
    name text PRIMARY KEY,
    last_number bigint NOT NULL DEFAULT 0,
    last_date date NOT NULL
);

-- `document` is the whole paper, `reference` what it was made for (at most once). Amounts are minor units of `currency`.
CREATE TABLE platform.invoice (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    buyer_id bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('invoice', 'credit_note')),
    number text NOT NULL UNIQUE CHECK (number <> ''),
    series text NOT NULL,
    series_number bigint NOT NULL,
    reference text NOT NULL DEFAULT '',
    corrects_id bigint REFERENCES platform.invoice CHECK ((corrects_id IS NULL) = (kind = 'invoice')),
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
CREATE INDEX invoice_buyer ON platform.invoice (buyer_id, id DESC);
CREATE INDEX invoice_corrects ON platform.invoice (corrects_id) WHERE corrects_id IS NOT NULL;
CREATE UNIQUE INDEX invoice_reference ON platform.invoice (buyer_id, reference) WHERE reference <> '';
CREATE TRIGGER invoice_stays BEFORE UPDATE OR DELETE ON platform.invoice
    FOR EACH ROW EXECUTE FUNCTION platform.refuse_change();

-- What was billed, by the key of its source (`lot:7`): nothing is billed twice.
CREATE TABLE platform.invoiced_item (
    buyer_id bigint NOT NULL,
    source text NOT NULL,
    invoice_id bigint NOT NULL REFERENCES platform.invoice,
    PRIMARY KEY (buyer_id, source)
);

-- Money that came for an invoice after it was issued, each payment once by its reference. Only ever added to.
CREATE TABLE platform.invoice_payment (
    invoice_id bigint NOT NULL REFERENCES platform.invoice,
    reference text NOT NULL CHECK (reference <> ''),
    amount bigint NOT NULL CHECK (amount <> 0),
    at timestamptz NOT NULL,
    PRIMARY KEY (invoice_id, reference)
);

-- The paper as it was first made; whoever asks again gets the same bytes.
CREATE TABLE platform.invoice_pdf (
    invoice_id bigint PRIMARY KEY REFERENCES platform.invoice,
    pdf bytea STORAGE EXTERNAL NOT NULL
);
CREATE TRIGGER invoice_pdf_stays BEFORE UPDATE OR DELETE ON platform.invoice_pdf
    FOR EACH ROW EXECUTE FUNCTION platform.refuse_change();

-- E-mails with invoices: asked for, then sent. `tries` failed so far, `problem` says how the last one did.
CREATE TABLE platform.invoice_sending (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    invoice_id bigint NOT NULL REFERENCES platform.invoice,
    send_to text NOT NULL,
    asked_at timestamptz NOT NULL,
    next_at timestamptz,
    tries smallint NOT NULL DEFAULT 0,
    sent_at timestamptz,
    problem text NOT NULL DEFAULT ''
);
CREATE INDEX invoice_sending_invoice ON platform.invoice_sending (invoice_id);
CREATE INDEX invoice_sending_due ON platform.invoice_sending (next_at) WHERE next_at IS NOT NULL;

GRANT SELECT, INSERT, UPDATE ON platform.tax_profile, platform.invoice_terms, platform.invoice_series,
    platform.invoice_sending TO frankpost_web;
GRANT SELECT, INSERT ON platform.invoice, platform.invoiced_item, platform.invoice_payment, platform.invoice_pdf
    TO frankpost_web;
