-- Whoever writes a product waits behind this, and gives up after a second: better to try again.
SET LOCAL lock_timeout = '300ms';

-- Pictures. Their bytes are in the store, under `file`.
CREATE TABLE catalog.media (
    id           bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT media_pkey PRIMARY KEY,
    -- Names the bytes of this row and never those of another one: who is late with removing some removes no others.
    file         uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT media_file_key UNIQUE,
    -- SHA-256 of the bytes, by which they are asked for.
    hash         bytea NOT NULL CONSTRAINT media_hash_sha256 CHECK (octet_length(hash) = 32),
    content_type text NOT NULL CONSTRAINT media_content_type_known CHECK (content_type IN ('image/jpeg', 'image/png', 'image/webp')),
    bytes        bigint NOT NULL CONSTRAINT media_bytes_positive CHECK (bytes > 0),
    width        int NOT NULL CONSTRAINT media_width_positive CHECK (width > 0),
    height       int NOT NULL CONSTRAINT media_height_positive CHECK (height > 0),
    -- Of the renditions there are, or will be.
    widths       int[] NOT NULL,
    name         text NOT NULL,
    alt          text NOT NULL,
    -- 'incoming': the bytes may not be there yet; 'dropped': they may not be there any more.
    state        text NOT NULL DEFAULT 'incoming' CONSTRAINT media_state_known CHECK (state IN ('incoming', 'kept', 'dropped')),
    rendered_at  timestamptz,
    -- Counts the changes; 1 when the bytes are there.
    version      bigint NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX media_hash_idx ON catalog.media (hash);
CREATE INDEX media_kept_idx ON catalog.media (id) WHERE state = 'kept';
-- What is to be removed, or may be soon.
CREATE INDEX media_not_kept_idx ON catalog.media (id) WHERE state <> 'kept';

-- The pictures of a product, in the order in which they are shown.
CREATE TABLE catalog.product_media (
    product_id  bigint NOT NULL CONSTRAINT product_media_product_id_fkey REFERENCES catalog.products,
    position    int NOT NULL CONSTRAINT product_media_position_range CHECK (position BETWEEN 0 AND 99),
    media_id    bigint NOT NULL CONSTRAINT product_media_media_id_fkey REFERENCES catalog.media,
    alt         text NOT NULL,
    -- The variants it shows; empty where it shows no one in particular.
    variant_ids bigint[] NOT NULL,
    CONSTRAINT product_media_pkey PRIMARY KEY (product_id, position),
    CONSTRAINT product_media_once UNIQUE (product_id, media_id)
);
CREATE INDEX product_media_media_id_idx ON catalog.product_media (media_id);

-- Spares those who read products the look for pictures of those that have none.
ALTER TABLE catalog.products ADD COLUMN has_media boolean NOT NULL DEFAULT false;
