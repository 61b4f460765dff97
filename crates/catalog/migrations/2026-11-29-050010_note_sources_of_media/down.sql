ALTER TABLE catalog.media DROP CONSTRAINT media_source_hash_sha256, DROP COLUMN source_hash;
