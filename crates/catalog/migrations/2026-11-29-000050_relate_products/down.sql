DROP TABLE catalog.related_products;
