UPDATE catalog.categories SET product_order = 'newest' WHERE product_order = 'best_selling';
UPDATE catalog.collections SET product_order = 'newest' WHERE product_order = 'best_selling';
ALTER TABLE catalog.categories DROP CONSTRAINT categories_product_order_known,
    ADD CONSTRAINT categories_product_order_known CHECK (product_order IN ('manual', 'newest', 'name'));
ALTER TABLE catalog.collections DROP CONSTRAINT collections_product_order_known,
    ADD CONSTRAINT collections_product_order_known CHECK (product_order IN ('manual', 'newest', 'name'));
