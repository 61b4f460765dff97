CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

CREATE TABLE catalog.products (
    id          bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT products_pkey PRIMARY KEY,
    name        text        NOT NULL CONSTRAINT products_name_length CHECK (length(name) BETWEEN 1 AND 300),
    description text        NOT NULL DEFAULT '',
    image       text        NOT NULL DEFAULT '',
    version     bigint      NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    archived_at timestamptz,
    search_text text        NOT NULL GENERATED ALWAYS AS (lower(name || ' ' || description)) STORED
);
CREATE INDEX products_search_text_idx ON catalog.products USING gin (search_text public.gin_trgm_ops);

CREATE TABLE catalog.variants (
    id          bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT variants_pkey PRIMARY KEY,
    product_id  bigint      NOT NULL CONSTRAINT variants_product_id_fkey REFERENCES catalog.products,
    sku         text        NOT NULL CONSTRAINT variants_sku_key UNIQUE,
    is_default  boolean     NOT NULL DEFAULT true,
    created_at  timestamptz NOT NULL DEFAULT now(),
    archived_at timestamptz
);
CREATE UNIQUE INDEX variants_one_default_idx ON catalog.variants (product_id) WHERE is_default;
CREATE INDEX variants_product_id_idx ON catalog.variants (product_id);
CREATE INDEX variants_lower_sku_idx ON catalog.variants (lower(sku) text_pattern_ops);

-- Append-only: the price in force is the newest whose time has come.
CREATE TABLE catalog.prices (
    id           bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT prices_pkey PRIMARY KEY,
    variant_id   bigint      NOT NULL CONSTRAINT prices_variant_id_fkey REFERENCES catalog.variants,
    currency     text        NOT NULL CONSTRAINT prices_currency_code CHECK (currency ~ '^[A-Z]{3}$'),
    amount_minor bigint      NOT NULL CONSTRAINT prices_not_negative CHECK (amount_minor >= 0),
    valid_from   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX prices_current_idx ON catalog.prices (variant_id, currency, valid_from DESC, id DESC) INCLUDE (amount_minor);
COMMENT ON COLUMN catalog.prices.amount_minor IS 'Unit price in minor units of currency.';
