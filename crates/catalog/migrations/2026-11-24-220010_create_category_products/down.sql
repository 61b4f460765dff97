DROP TRIGGER products_rename_in_categories ON catalog.products;
DROP FUNCTION catalog.rename_in_categories();
DROP TABLE catalog.category_products;
