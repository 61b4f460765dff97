ALTER TABLE catalog.products VALIDATE CONSTRAINT products_published_before;
