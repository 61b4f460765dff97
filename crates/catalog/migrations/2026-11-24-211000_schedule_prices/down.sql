ALTER TABLE catalog.prices DROP COLUMN scheduled;
