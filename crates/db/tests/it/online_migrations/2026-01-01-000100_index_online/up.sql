CREATE INDEX CONCURRENTLY things_kind_idx ON online.things (kind);
