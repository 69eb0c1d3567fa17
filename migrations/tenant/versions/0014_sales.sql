-- VAT at the sale.

-- How much of `asked` is VAT; 0 where nothing was added to the price, as for money into the wallet.
ALTER TABLE payment ADD COLUMN tax bigint NOT NULL DEFAULT 0 CHECK (tax BETWEEN 0 AND asked);
