-- Choices may be longer than a row of an index; their digest is not.
CREATE UNIQUE INDEX CONCURRENTLY variants_choices_key ON catalog.variants (product_id, md5(choices::text))
    WHERE archived_at IS NULL AND choices <> '{}';
