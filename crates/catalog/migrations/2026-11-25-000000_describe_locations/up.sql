-- Whoever makes a stock level waits behind this, and gives up after a second: better to try again.
SET LOCAL lock_timeout = '300ms';
ALTER TABLE catalog.locations
    -- Orders take stock where this is least, and of two alike where the id is.
    ADD COLUMN priority       bigint      NOT NULL DEFAULT 0
                              CONSTRAINT locations_priority_not_negative CHECK (priority >= 0),
    -- Since when orders take nothing from it; NULL where they do.
    ADD COLUMN deactivated_at timestamptz,
    -- Counts the changes from 1; the main location was made without an event.
    ADD COLUMN version        bigint      NOT NULL DEFAULT 0,
    ADD COLUMN created_at     timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN updated_at     timestamptz NOT NULL DEFAULT now(),
    -- What is written without a location is written here.
    ADD CONSTRAINT locations_main_is_active CHECK (id <> 1 OR deactivated_at IS NULL);
-- Those that every order has to leave out.
CREATE INDEX locations_inactive_idx ON catalog.locations (id) WHERE deactivated_at IS NOT NULL;
