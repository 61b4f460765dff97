ALTER TABLE catalog.media VALIDATE CONSTRAINT media_source_hash_sha256;
