SET LOCAL lock_timeout = '300ms';
ALTER TABLE ordering.orders DROP CONSTRAINT orders_amounts;
ALTER TABLE ordering.orders RENAME CONSTRAINT orders_amounts_for_less TO orders_amounts;
ALTER TABLE ordering.order_lines
    DROP CONSTRAINT order_lines_amounts, DROP CONSTRAINT order_lines_list_price, DROP CONSTRAINT order_lines_unit_price;
ALTER TABLE ordering.order_lines RENAME CONSTRAINT order_lines_amounts_for_less TO order_lines_amounts;
