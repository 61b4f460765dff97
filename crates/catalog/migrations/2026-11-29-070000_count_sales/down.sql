DROP FUNCTION catalog.forget_sales(int);
DROP FUNCTION catalog.count_sales(bigint[], timestamptz[], bigint[]);
DROP FUNCTION catalog.sum_sales(bigint[]);
DROP TABLE catalog.product_sales;
DROP TABLE catalog.sales_days;
DROP TABLE catalog.sales_window;
