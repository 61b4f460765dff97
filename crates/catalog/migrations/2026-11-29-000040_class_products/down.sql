ALTER TABLE catalog.products DROP COLUMN tax_class;
