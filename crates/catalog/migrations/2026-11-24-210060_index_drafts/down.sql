DROP INDEX CONCURRENTLY catalog.products_drafts_idx;
