ALTER TABLE catalog.products DROP COLUMN variant_count, DROP COLUMN options;
