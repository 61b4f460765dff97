CREATE INDEX CONCURRENTLY stock_movements_level_idx ON catalog.stock_movements (variant_id, location_id);
