-- Pictures that products are to have, once a job has fetched all of them.
CREATE TABLE catalog.wanted_pictures (
    product_id    bigint NOT NULL CONSTRAINT wanted_pictures_product_id_fkey REFERENCES catalog.products,
    -- Names this list: a job knows whether another one has come in its place.
    list          uuid  NOT NULL DEFAULT gen_random_uuid(),
    -- [{src, mediaId, alt, variantIds}], in the order in which they are to be shown.
    images        jsonb NOT NULL,
    -- The row of the import that names them, where somebody can look what became of it.
    import_id     bigint,
    import_number bigint,
    -- [{src, message}]: those that never come. NULL as long as some may.
    problems      jsonb,
    created_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT wanted_pictures_pkey PRIMARY KEY (product_id)
);

-- What was fetched once is not fetched again. An address may be longer than an index takes.
CREATE TABLE catalog.fetched_pictures (
    url_hash   bytea  NOT NULL CONSTRAINT fetched_pictures_pkey PRIMARY KEY,
    media_id   bigint NOT NULL CONSTRAINT fetched_pictures_media_id_fkey REFERENCES catalog.media ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX fetched_pictures_media_id_idx ON catalog.fetched_pictures (media_id);
