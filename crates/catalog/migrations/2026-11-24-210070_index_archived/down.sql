DROP INDEX CONCURRENTLY catalog.products_archived_idx;
