DROP TRIGGER stock_levels_tell_when_low ON catalog.stock_levels;
DROP FUNCTION catalog.tell_when_low;
ALTER TABLE catalog.stock_levels DROP COLUMN low_at, DROP COLUMN low_since;
