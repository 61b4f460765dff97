CREATE TABLE catalog.collections (
    id            bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT collections_pkey PRIMARY KEY,
    -- With a letter, so that an address with an id never is one with a slug.
    slug          text        NOT NULL CONSTRAINT collections_slug_key UNIQUE
                              CONSTRAINT collections_slug_form
                              CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND slug ~ '[a-z]' AND length(slug) <= 80),
    name          text        NOT NULL CONSTRAINT collections_name_length CHECK (length(name) BETWEEN 1 AND 300),
    description   text        NOT NULL DEFAULT '',
    image         text        NOT NULL DEFAULT '',
    product_order text        NOT NULL CONSTRAINT collections_product_order_known
                              CHECK (product_order IN ('manual', 'newest', 'name')),
    -- Which products are in it; NULL where somebody places them by hand. What rules find has no places.
    rules         jsonb CONSTRAINT collections_rules_have_no_places CHECK (rules IS NULL OR product_order <> 'manual'),
    -- Counts the changes to this collection and the list of its products, from 1.
    version       bigint      NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    archived_at   timestamptz
);
CREATE INDEX collections_shown_idx ON catalog.collections (id) WHERE archived_at IS NULL;

-- Of collections without rules, as catalog.category_products are of categories.
CREATE TABLE catalog.collection_products (
    collection_id bigint NOT NULL CONSTRAINT collection_products_collection_id_fkey REFERENCES catalog.collections,
    product_id    bigint NOT NULL CONSTRAINT collection_products_product_id_fkey REFERENCES catalog.products,
    position      bigint NOT NULL CONSTRAINT collection_products_position_not_negative CHECK (position >= 0),
    product_name  text COLLATE "und-x-icu" NOT NULL,
    CONSTRAINT collection_products_pkey PRIMARY KEY (collection_id, product_id)
);
CREATE INDEX collection_products_manual_idx ON catalog.collection_products (collection_id, position, product_id);
CREATE INDEX collection_products_name_idx ON catalog.collection_products (collection_id, product_name, product_id);
CREATE INDEX collection_products_product_idx ON catalog.collection_products (product_id);

-- The trigger is the one there is: another one would have to lock the products.
CREATE OR REPLACE FUNCTION catalog.rename_in_categories() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE catalog.category_products SET product_name = new.name WHERE product_id = new.id;
    UPDATE catalog.collection_products SET product_name = new.name WHERE product_id = new.id;
    RETURN NULL;
END
$$;
