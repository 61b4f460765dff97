-- Whether it was written before it came into force. What the clock changes next is looked for among these alone.
ALTER TABLE catalog.prices ADD COLUMN scheduled boolean NOT NULL DEFAULT false;
