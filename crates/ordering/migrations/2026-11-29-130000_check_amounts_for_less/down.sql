ALTER TABLE ordering.order_lines DROP CONSTRAINT IF EXISTS order_lines_amounts_for_less;
ALTER TABLE ordering.orders DROP CONSTRAINT IF EXISTS orders_amounts_for_less;
