-- What was made of late, for collections of it.
CREATE INDEX CONCURRENTLY products_created_idx ON catalog.products (created_at, id);
