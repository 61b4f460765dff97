SET LOCAL lock_timeout = '300ms';
ALTER TABLE catalog.stock_levels DROP CONSTRAINT stock_levels_kept;
ALTER TABLE catalog.stock_levels RENAME CONSTRAINT stock_levels_kept_for_less TO stock_levels_kept;
