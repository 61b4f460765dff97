DROP INDEX CONCURRENTLY platform.outbox_kind_idx;
