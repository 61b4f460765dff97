CREATE UNIQUE INDEX CONCURRENTLY products_slug_key ON catalog.products (slug) WHERE slug IS NOT NULL AND archived_at IS NULL;
