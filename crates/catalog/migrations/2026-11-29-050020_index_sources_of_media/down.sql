DROP INDEX CONCURRENTLY catalog.media_source_hash_idx;
