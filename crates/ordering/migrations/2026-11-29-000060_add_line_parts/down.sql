DROP VIEW ordering.line_units;
DROP TABLE ordering.order_line_parts;
ALTER TABLE ordering.order_lines DROP COLUMN kind, DROP COLUMN tax_class;
