ALTER TABLE catalog.variants DROP COLUMN version, DROP COLUMN height_mm, DROP COLUMN width_mm, DROP COLUMN length_mm,
    DROP COLUMN weight_grams, DROP COLUMN barcode, DROP COLUMN title, DROP COLUMN choices;
