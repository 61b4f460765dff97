CREATE INDEX CONCURRENTLY outbox_kind_idx ON platform.outbox (kind);
