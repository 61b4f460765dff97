-- Whoever reads prices waits behind this, and gives up after a second: better to try again.
SET LOCAL lock_timeout = '300ms';
-- Whether it was written before it came into force. What the clock changes next is looked for among these alone.
ALTER TABLE catalog.prices ADD COLUMN scheduled boolean NOT NULL DEFAULT false;
