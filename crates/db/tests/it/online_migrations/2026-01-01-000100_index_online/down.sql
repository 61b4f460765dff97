DROP INDEX CONCURRENTLY online.things_kind_idx;
