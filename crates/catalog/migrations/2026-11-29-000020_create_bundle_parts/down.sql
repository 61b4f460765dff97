DROP FUNCTION catalog.bundle_parts_of;
DROP FUNCTION catalog.bundle_available;
DROP TABLE catalog.bundle_parts;
