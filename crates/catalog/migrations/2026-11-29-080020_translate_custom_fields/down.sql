SET LOCAL lock_timeout = '300ms';
DROP TABLE catalog.custom_translations;
DROP INDEX catalog.custom_fields_hidden_idx;
ALTER TABLE catalog.custom_fields DROP COLUMN is_translatable;
