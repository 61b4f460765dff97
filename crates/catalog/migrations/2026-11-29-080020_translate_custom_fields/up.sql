SET LOCAL lock_timeout = '300ms';

ALTER TABLE catalog.custom_fields ADD COLUMN is_translatable boolean NOT NULL DEFAULT false;
-- What customers are not to see any more, which is asked whenever values are read. There are at most 600 definitions.
CREATE INDEX custom_fields_hidden_idx ON catalog.custom_fields (resource, key)
    WHERE applied_version < version AND (NOT is_public OR removed_at IS NOT NULL);

-- Values in other languages than the shop's own: by keys of definitions, as in custom_values. A locale is written as in
-- product_translations.
CREATE TABLE catalog.custom_translations (
    resource    text COLLATE "C" NOT NULL,
    resource_id bigint NOT NULL,
    locale      text NOT NULL,
    texts       jsonb NOT NULL,
    CONSTRAINT custom_translations_pkey PRIMARY KEY (resource, resource_id, locale),
    CONSTRAINT custom_translations_values_fkey FOREIGN KEY (resource, resource_id) REFERENCES catalog.custom_values
);
