DROP TABLE ordering.order_timeline;
DROP TABLE ordering.order_lines;
DROP TABLE ordering.orders;
DROP TABLE ordering.shipping_rates;
DROP TABLE ordering.shipping_methods;
