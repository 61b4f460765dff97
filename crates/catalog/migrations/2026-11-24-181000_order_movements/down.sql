CREATE INDEX stock_movements_level_idx ON catalog.stock_movements (variant_id, location_id);
DROP INDEX catalog.stock_movements_of_level_idx;
