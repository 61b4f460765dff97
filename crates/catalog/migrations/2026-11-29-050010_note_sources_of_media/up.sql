-- Whoever reads pictures waits behind this: better to try again.
SET LOCAL lock_timeout = '300ms';
ALTER TABLE catalog.media
    -- SHA-256 of the file that the picture came as, before it was cleaned: by it a picture has the same name in every shop
    -- that it is carried to. NULL: not known.
    ADD COLUMN source_hash bytea,
    ADD CONSTRAINT media_source_hash_sha256 CHECK (octet_length(source_hash) = 32) NOT VALID;
