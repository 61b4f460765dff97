-- Files of collections, categories and options. Their jobs have kinds of their own, as a release that
-- knows none of these files could not read them.
SET LOCAL lock_timeout = '300ms';

ALTER TABLE catalog.imports
    DROP CONSTRAINT imports_kind_known,
    ADD CONSTRAINT imports_kind_known
        CHECK (kind IN ('products', 'prices', 'stock', 'collections', 'categories', 'options')) NOT VALID;
ALTER TABLE catalog.exports
    DROP CONSTRAINT exports_kind_known,
    ADD CONSTRAINT exports_kind_known CHECK (kind IN ('products', 'collections', 'categories', 'options')) NOT VALID,
    -- Of the file. Those of products are their prices, as far as an older release has written them.
    ADD COLUMN rows bigint NOT NULL DEFAULT 0;
