CREATE OR REPLACE FUNCTION catalog.rename_in_categories() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE catalog.category_products SET product_name = new.name WHERE product_id = new.id;
    RETURN NULL;
END
$$;
DROP TABLE catalog.collection_products;
DROP TABLE catalog.collections;
