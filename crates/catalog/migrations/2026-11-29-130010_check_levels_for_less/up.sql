SET LOCAL lock_timeout = '300ms';
-- Each statement that writes a row reads the text of every CHECK of its table anew, so what is short is cheap: a sixth of the work of
-- an order was this. None of these is ever negative, so all are zero when their sum is.
ALTER TABLE catalog.stock_levels ADD CONSTRAINT stock_levels_kept_for_less CHECK
    (keeps_stock OR on_hand + reserved + safety + backorder_limit = 0 AND low_at IS NULL) NOT VALID;
