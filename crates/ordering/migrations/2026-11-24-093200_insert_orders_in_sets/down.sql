DROP FUNCTION ordering.insert_orders;
