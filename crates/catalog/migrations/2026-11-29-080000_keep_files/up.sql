-- Whoever reads products waits behind this, and gives up after a second: better to try again.
SET LOCAL lock_timeout = '300ms';

-- Files that are no pictures lie beside them: nothing else about them differs. They have no pixels, and are made no smaller.
ALTER TABLE catalog.media
    DROP CONSTRAINT media_content_type_known, DROP CONSTRAINT media_width_positive, DROP CONSTRAINT media_height_positive,
    ADD CONSTRAINT media_pictures_have_pixels
        CHECK (CASE WHEN content_type LIKE 'image/%' THEN width > 0 AND height > 0 ELSE width = 0 AND height = 0 END) NOT VALID;

-- Alternative texts in other languages, by their locales.
ALTER TABLE catalog.media ADD COLUMN alts jsonb NOT NULL DEFAULT '{}';
ALTER TABLE catalog.product_media ADD COLUMN alts jsonb NOT NULL DEFAULT '{}';

-- The files that values of custom fields name, so that nobody deletes them, and that they are found from the values.
CREATE TABLE catalog.custom_files (
    resource    text COLLATE "C" NOT NULL,
    resource_id bigint NOT NULL,
    key         text COLLATE "C" NOT NULL,
    media_id    bigint NOT NULL CONSTRAINT custom_files_media_id_fkey REFERENCES catalog.media,
    CONSTRAINT custom_files_pkey PRIMARY KEY (resource, resource_id, key, media_id),
    CONSTRAINT custom_files_values_fkey FOREIGN KEY (resource, resource_id) REFERENCES catalog.custom_values
);
CREATE INDEX custom_files_media_id_idx ON catalog.custom_files (media_id);
