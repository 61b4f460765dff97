SET LOCAL lock_timeout = '300ms';
ALTER TABLE catalog.stock_levels DROP CONSTRAINT stock_levels_kept;
ALTER TABLE catalog.stock_levels ADD CONSTRAINT stock_levels_kept CHECK
    (keeps_stock OR on_hand = 0 AND reserved = 0 AND safety = 0 AND backorder_limit = 0 AND low_at IS NULL) NOT VALID;
