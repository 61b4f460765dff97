ALTER TABLE catalog.imports DROP COLUMN url;
