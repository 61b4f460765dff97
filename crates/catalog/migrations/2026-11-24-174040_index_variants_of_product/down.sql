DROP INDEX CONCURRENTLY catalog.variants_of_product_idx;
