DROP INDEX catalog.locations_inactive_idx;
ALTER TABLE catalog.locations
    DROP CONSTRAINT locations_main_is_active,
    DROP COLUMN priority,
    DROP COLUMN deactivated_at,
    DROP COLUMN version,
    DROP COLUMN created_at,
    DROP COLUMN updated_at;
