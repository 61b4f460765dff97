SET LOCAL lock_timeout = '300ms';
-- Each statement that writes a row reads the text of every CHECK of its table anew, so what is short is cheap: a sixth of the work of
-- an order was this. What is least of some is at least 0 when all are.
ALTER TABLE ordering.orders ADD CONSTRAINT orders_amounts_for_less CHECK (
    least(discount_minor, subtotal_minor - discount_minor, shipping_minor) >= 0
    AND total_minor = subtotal_minor - discount_minor + shipping_minor) NOT VALID;
ALTER TABLE ordering.order_lines ADD CONSTRAINT order_lines_amounts_for_less CHECK (
    least(list_price_minor, unit_price_minor, discount_minor, total_minor) >= 0
    AND total_minor = unit_price_minor * quantity - discount_minor) NOT VALID;
