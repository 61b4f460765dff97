SET LOCAL lock_timeout = '300ms';
ALTER TABLE catalog.categories DROP CONSTRAINT categories_product_order_known,
    ADD CONSTRAINT categories_product_order_known CHECK (product_order IN ('manual', 'newest', 'name', 'best_selling')) NOT VALID;
ALTER TABLE catalog.collections DROP CONSTRAINT collections_product_order_known,
    ADD CONSTRAINT collections_product_order_known CHECK (product_order IN ('manual', 'newest', 'name', 'best_selling')) NOT VALID;
