-- stock_movements_of_level_idx begins alike.
DROP INDEX CONCURRENTLY IF EXISTS catalog.stock_movements_level_idx;
