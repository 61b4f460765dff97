CREATE INDEX CONCURRENTLY variants_product_id_idx ON catalog.variants (product_id);
