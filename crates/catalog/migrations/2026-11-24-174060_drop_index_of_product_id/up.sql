-- variants_of_product_idx begins alike.
DROP INDEX CONCURRENTLY IF EXISTS catalog.variants_product_id_idx;
