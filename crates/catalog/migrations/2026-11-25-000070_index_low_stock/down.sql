DROP INDEX CONCURRENTLY catalog.stock_levels_low_idx;
