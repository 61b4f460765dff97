ALTER TABLE catalog.products VALIDATE CONSTRAINT products_tax_class_code;
