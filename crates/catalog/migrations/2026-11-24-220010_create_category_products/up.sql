CREATE TABLE catalog.category_products (
    category_id  bigint NOT NULL CONSTRAINT category_products_category_id_fkey REFERENCES catalog.categories,
    product_id   bigint NOT NULL CONSTRAINT category_products_product_id_fkey REFERENCES catalog.products,
    position     bigint NOT NULL CONSTRAINT category_products_position_not_negative CHECK (position >= 0),
    -- The product's, so that an index has a category in the order of names, as people of any language look for them.
    product_name text COLLATE "und-x-icu" NOT NULL,
    CONSTRAINT category_products_pkey PRIMARY KEY (category_id, product_id)
);
CREATE INDEX category_products_manual_idx ON catalog.category_products (category_id, position, product_id);
CREATE INDEX category_products_name_idx ON catalog.category_products (category_id, product_name, product_id);
CREATE INDEX category_products_product_idx ON catalog.category_products (product_id);

-- Whoever renames a product, an import or the release before this one too, renames it here.
CREATE FUNCTION catalog.rename_in_categories() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE catalog.category_products SET product_name = new.name WHERE product_id = new.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER products_rename_in_categories AFTER UPDATE OF name ON catalog.products
    FOR EACH ROW WHEN (old.name IS DISTINCT FROM new.name) EXECUTE FUNCTION catalog.rename_in_categories();
