SET LOCAL lock_timeout = '300ms';

DELETE FROM catalog.imports WHERE kind IN ('collections', 'categories', 'options');
DELETE FROM catalog.exports WHERE kind IN ('collections', 'categories', 'options');
ALTER TABLE catalog.imports
    DROP CONSTRAINT imports_kind_known,
    ADD CONSTRAINT imports_kind_known CHECK (kind IN ('products', 'prices', 'stock'));
ALTER TABLE catalog.exports
    DROP CONSTRAINT exports_kind_known,
    ADD CONSTRAINT exports_kind_known CHECK (kind IN ('products')),
    DROP COLUMN rows;
