-- Whoever reads products waits behind this, and gives up after a second: better to try again.
SET LOCAL lock_timeout = '300ms';
ALTER TABLE catalog.products
    -- How it is taxed: a code of the merchant's own.
    ADD COLUMN tax_class text NOT NULL DEFAULT 'standard',
    ADD CONSTRAINT products_tax_class_code CHECK (tax_class ~ '^[a-z][a-z0-9_-]{0,39}$') NOT VALID;
