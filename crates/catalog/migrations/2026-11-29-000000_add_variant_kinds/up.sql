-- Whoever reads variants waits behind this, and gives up after a second: better to try again.
SET LOCAL lock_timeout = '300ms';
ALTER TABLE catalog.variants
    -- What is taken when it is sold: units of its own, nothing, or units of its parts.
    ADD COLUMN kind text NOT NULL DEFAULT 'physical',
    ADD CONSTRAINT variants_kind_known CHECK (kind IN ('physical', 'digital', 'bundle')) NOT VALID;
