DROP FUNCTION catalog.release_expired_holds;
DROP FUNCTION catalog.release_holds;
ALTER TABLE catalog.stock_movements DROP COLUMN hold_id;
DROP TABLE catalog.stock_hold_lines;
DROP TABLE catalog.stock_holds;
