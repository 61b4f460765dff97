SET LOCAL lock_timeout = '300ms';
ALTER TABLE ordering.order_lines DROP CONSTRAINT order_lines_amounts;
ALTER TABLE ordering.order_lines
    ADD CONSTRAINT order_lines_list_price CHECK (list_price_minor >= 0) NOT VALID,
    ADD CONSTRAINT order_lines_unit_price CHECK (unit_price_minor >= 0) NOT VALID,
    ADD CONSTRAINT order_lines_amounts CHECK (
        discount_minor BETWEEN 0 AND unit_price_minor * quantity
        AND total_minor = unit_price_minor * quantity - discount_minor) NOT VALID;
ALTER TABLE ordering.orders DROP CONSTRAINT orders_amounts;
ALTER TABLE ordering.orders ADD CONSTRAINT orders_amounts CHECK (
    subtotal_minor >= 0 AND discount_minor BETWEEN 0 AND subtotal_minor AND shipping_minor >= 0
    AND total_minor = subtotal_minor - discount_minor + shipping_minor) NOT VALID;
