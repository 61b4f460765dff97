DROP TRIGGER stock_levels_keep_as_at_main ON catalog.stock_levels;
DROP FUNCTION catalog.keep_as_at_main;
ALTER TABLE catalog.stock_levels DROP COLUMN keeps_stock;
