ALTER TABLE catalog.stock_movements DROP COLUMN transfer_id;
DROP TABLE catalog.stock_transfers;
