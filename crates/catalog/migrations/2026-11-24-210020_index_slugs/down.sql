DROP INDEX CONCURRENTLY catalog.products_slug_key;
