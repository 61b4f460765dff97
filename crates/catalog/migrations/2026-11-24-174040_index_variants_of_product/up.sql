CREATE INDEX CONCURRENTLY variants_of_product_idx ON catalog.variants (product_id, id);
