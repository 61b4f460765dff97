CREATE INDEX CONCURRENTLY products_unpublished_at_idx ON catalog.products (unpublished_at) WHERE unpublished_at < 'infinity';
