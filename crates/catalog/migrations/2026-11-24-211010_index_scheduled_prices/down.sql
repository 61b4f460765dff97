DROP INDEX CONCURRENTLY catalog.prices_scheduled_idx;
