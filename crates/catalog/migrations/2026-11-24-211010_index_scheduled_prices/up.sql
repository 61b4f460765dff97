CREATE INDEX CONCURRENTLY prices_scheduled_idx ON catalog.prices (valid_from) WHERE scheduled;
