-- The movements of a level in their order, so that a page of them costs the same however many there are.
CREATE INDEX CONCURRENTLY stock_movements_of_level_idx ON catalog.stock_movements (variant_id, location_id, id);
