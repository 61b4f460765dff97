ALTER TABLE catalog.stock_levels DROP CONSTRAINT IF EXISTS stock_levels_kept_for_less;
