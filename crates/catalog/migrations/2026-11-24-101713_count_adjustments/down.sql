ALTER TABLE catalog.stock_levels DROP COLUMN version;
