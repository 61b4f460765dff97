ALTER TABLE ordering.orders VALIDATE CONSTRAINT orders_amounts_for_less;
