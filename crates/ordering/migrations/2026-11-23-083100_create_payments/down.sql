DROP TABLE ordering.payment_operations;
DROP TABLE ordering.payments;
