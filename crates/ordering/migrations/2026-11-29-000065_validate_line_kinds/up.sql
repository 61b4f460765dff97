ALTER TABLE ordering.order_lines VALIDATE CONSTRAINT order_lines_kind_known;
