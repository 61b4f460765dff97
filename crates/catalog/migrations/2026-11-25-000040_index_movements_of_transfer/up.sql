-- What a transfer moved.
CREATE INDEX CONCURRENTLY stock_movements_transfer_idx ON catalog.stock_movements (transfer_id, id) WHERE transfer_id IS NOT NULL;
