ALTER TABLE catalog.variants DROP COLUMN kind;
