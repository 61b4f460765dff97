DROP TABLE catalog.category_translations;
DROP TABLE catalog.product_translations;
