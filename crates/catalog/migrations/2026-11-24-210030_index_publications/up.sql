-- What the clock will change next, and drafts.
CREATE INDEX CONCURRENTLY products_published_at_idx ON catalog.products (published_at) WHERE published_at > '-infinity';
