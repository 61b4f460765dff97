CREATE INDEX CONCURRENTLY products_archived_idx ON catalog.products (id) WHERE archived_at IS NOT NULL;
