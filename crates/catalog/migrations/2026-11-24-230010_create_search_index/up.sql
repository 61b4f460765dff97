-- What can be found is derived, and can be derived again. It exists twice: one index is read, the other one is filled when
-- all of it is built anew. So nothing refers to it.

-- Which one is read. One row; whoever writes documents locks it first, so that what was read later is written later.
CREATE TABLE catalog.search_index (
    is_there        boolean NOT NULL DEFAULT true CONSTRAINT search_index_pkey PRIMARY KEY
                            CONSTRAINT search_index_one_row CHECK (is_there),
    live            smallint NOT NULL DEFAULT 0 CONSTRAINT search_index_live_known CHECK (live IN (0, 1)),
    -- The languages whose stems the live one has, and the currency whose prices it sorts by.
    locales         text[]   NOT NULL DEFAULT '{en}',
    currency        text     NOT NULL DEFAULT 'USD',
    -- NULL until it was built once.
    built_at        timestamptz,
    -- The same of the other one while it is being built, and the product up to which it is.
    next_locales    text[],
    next_currency   text,
    next_product_id bigint   NOT NULL DEFAULT 0,
    CONSTRAINT search_index_next_whole CHECK ((next_locales IS NULL) = (next_currency IS NULL))
);
-- An empty shop has an index already.
INSERT INTO catalog.search_index (built_at) SELECT CASE WHEN NOT EXISTS (SELECT FROM catalog.products) THEN now() END;

-- Products whose documents are to be written anew. A queue: a product may be in it several times.
CREATE TABLE catalog.search_stale (
    id         bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT search_stale_pkey PRIMARY KEY,
    product_id bigint      NOT NULL,
    marked_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

DO $do$ BEGIN FOR slot IN 0..1 LOOP EXECUTE replace($sql$
-- One for each product and language.
CREATE TABLE catalog.search_documents_N (
    product_id     bigint      NOT NULL,
    locale         text COLLATE "C" NOT NULL,
    -- On sale from the one to the other. What has only prices to come is not before the first of them.
    published_at   timestamptz NOT NULL,
    unpublished_at timestamptz NOT NULL,
    -- When the clock alone changes what is below; NULL for never.
    changes_at     timestamptz,
    -- Rows of search_values_N; 0 for no brand.
    brand          int         NOT NULL,
    -- With all that are above them.
    categories     int[]       NOT NULL,
    tags           int[]       NOT NULL,
    options        int[]       NOT NULL,
    in_stock       boolean     NOT NULL,
    -- The price in force of the default variant, in minor units of the currency of the index; NULL where it has none.
    price          bigint,
    -- All its prices in force, and their currencies.
    amounts        bigint[]    NOT NULL,
    currencies     text[] COLLATE "C" NOT NULL,
    name           text COLLATE "und-x-icu" NOT NULL,
    name_words     smallint    NOT NULL,
    -- Stems of the name (A) and of brand, tags and SKUs (B): where a word is found says how much it counts.
    head           tsvector    NOT NULL,
    -- All stems. They are looked up and never read, so they lie apart from what every search reads.
    words          tsvector    NOT NULL,
    -- Of what the document was made of; see catalog.search_sources.
    fingerprint    uuid        NOT NULL,
    CONSTRAINT search_documents_N_pkey PRIMARY KEY (locale, product_id)
) WITH (toast_tuple_target = 512);
ALTER TABLE catalog.search_documents_N ALTER COLUMN words SET STORAGE EXTERNAL;
CREATE INDEX search_documents_N_words_idx ON catalog.search_documents_N USING gin (words) WITH (gin_pending_list_limit = 256);
CREATE INDEX search_documents_N_facets_idx ON catalog.search_documents_N USING gin (categories, tags, options)
    WITH (gin_pending_list_limit = 256);
CREATE INDEX search_documents_N_brand_idx ON catalog.search_documents_N (brand);
CREATE INDEX search_documents_N_name_idx ON catalog.search_documents_N (locale, name, product_id);
-- What has no price comes last, from either end.
CREATE INDEX search_documents_N_price_idx ON catalog.search_documents_N (locale, coalesce(price, 9223372036854775807), product_id);
CREATE INDEX search_documents_N_dearest_idx ON catalog.search_documents_N (locale, coalesce(price, -1), product_id);
CREATE INDEX search_documents_N_changes_idx ON catalog.search_documents_N (changes_at) WHERE changes_at IS NOT NULL;

-- Brands, tags, categories (by id) and the values of options, as numbers that take less room.
CREATE TABLE catalog.search_values_N (
    id    int GENERATED ALWAYS AS IDENTITY CONSTRAINT search_values_N_pkey PRIMARY KEY,
    kind  text COLLATE "C" NOT NULL CONSTRAINT search_values_N_kind_known CHECK (kind IN ('brand', 'tag', 'category', 'option')),
    -- Of the option; empty for the other kinds.
    name  text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    CONSTRAINT search_values_N_key UNIQUE (kind, value, name)
);

-- Words of names, brands and tags, which a word with a typing error may have been meant as.
CREATE TABLE catalog.search_words_N (
    word       text COLLATE "C" CONSTRAINT search_words_N_pkey PRIMARY KEY,
    near_forms text[] COLLATE "C" NOT NULL GENERATED ALWAYS AS (catalog.near_forms(word)) STORED
);
CREATE INDEX search_words_N_near_forms_idx ON catalog.search_words_N USING gin (near_forms) WITH (gin_pending_list_limit = 256);
$sql$, '_N', '_' || slot); END LOOP; END $do$;
