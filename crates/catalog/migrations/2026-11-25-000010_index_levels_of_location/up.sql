-- Whether anything is or was at a location, for whoever wants to delete it, and for its foreign key.
CREATE INDEX CONCURRENTLY stock_levels_of_location_idx ON catalog.stock_levels (location_id, variant_id);
