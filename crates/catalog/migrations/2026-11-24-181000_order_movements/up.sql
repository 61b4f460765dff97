-- The movements of a level in their order, so that a page of them costs the same however many there are. In place of the index
-- that had them without order.
CREATE INDEX stock_movements_of_level_idx ON catalog.stock_movements (variant_id, location_id, id);
DROP INDEX catalog.stock_movements_level_idx;
