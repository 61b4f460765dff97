ALTER TABLE catalog.stock_levels VALIDATE CONSTRAINT stock_levels_kept;
