DROP INDEX CONCURRENTLY catalog.products_created_idx;
