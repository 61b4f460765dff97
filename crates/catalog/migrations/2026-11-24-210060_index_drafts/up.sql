-- Products that may be not on sale though they are not archived.
CREATE INDEX CONCURRENTLY products_drafts_idx ON catalog.products (id)
    WHERE archived_at IS NULL AND (published_at > '-infinity' OR unpublished_at < 'infinity');
