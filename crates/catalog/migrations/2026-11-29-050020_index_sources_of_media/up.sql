-- Whoever brings a file looks whether the picture is there already.
CREATE INDEX CONCURRENTLY media_source_hash_idx ON catalog.media (source_hash) WHERE source_hash IS NOT NULL;
