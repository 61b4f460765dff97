-- What is low. Counters are in no index, so that orders change them in place.
CREATE INDEX CONCURRENTLY stock_levels_low_idx ON catalog.stock_levels (variant_id, location_id) WHERE low_since IS NOT NULL;
