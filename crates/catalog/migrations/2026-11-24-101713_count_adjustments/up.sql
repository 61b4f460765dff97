-- Counts the adjustments of a level, from 1: the sequence of its events. Orders do not raise it.
ALTER TABLE catalog.stock_levels ADD COLUMN version bigint NOT NULL DEFAULT 0;
