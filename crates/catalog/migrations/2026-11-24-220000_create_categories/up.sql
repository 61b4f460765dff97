CREATE TABLE catalog.categories (
    id            bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT categories_pkey PRIMARY KEY,
    slug          text        NOT NULL CONSTRAINT categories_slug_key UNIQUE
                              CONSTRAINT categories_slug_form CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(slug) <= 80),
    name          text        NOT NULL CONSTRAINT categories_name_length CHECK (length(name) BETWEEN 1 AND 300),
    description   text        NOT NULL DEFAULT '',
    image         text        NOT NULL DEFAULT '',
    -- How the products of the category are listed.
    product_order text        NOT NULL DEFAULT 'manual'
                              CONSTRAINT categories_product_order_known CHECK (product_order IN ('manual', 'newest', 'name')),
    -- Its place among the categories that have no parent; NULL for one that has.
    root_position bigint CONSTRAINT categories_root_position_not_negative CHECK (root_position >= 0),
    -- Counts the changes to this category, its parents and the list of its products, from 1.
    version       bigint      NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    archived_at   timestamptz
);
CREATE INDEX categories_roots_idx ON catalog.categories (root_position, id)
    WHERE root_position IS NOT NULL AND archived_at IS NULL;

-- A graph without cycles, between categories that are not archived.
CREATE TABLE catalog.category_parents (
    category_id bigint NOT NULL CONSTRAINT category_parents_category_id_fkey REFERENCES catalog.categories,
    parent_id   bigint NOT NULL CONSTRAINT category_parents_parent_id_fkey REFERENCES catalog.categories,
    -- The place of the category among the children of the parent.
    position    bigint NOT NULL CONSTRAINT category_parents_position_not_negative CHECK (position >= 0),
    -- The place of the parent among the parents of the category; the path to a category leads through the first one.
    rank        bigint NOT NULL,
    CONSTRAINT category_parents_pkey PRIMARY KEY (category_id, parent_id),
    CONSTRAINT category_parents_not_itself CHECK (category_id <> parent_id)
);
CREATE INDEX category_parents_children_idx ON catalog.category_parents (parent_id, position, category_id);

-- One row, which is locked by whoever changes the graph: whether an edge closes a cycle depends on all the others.
CREATE TABLE catalog.category_tree (
    is_there boolean NOT NULL DEFAULT true CONSTRAINT category_tree_pkey PRIMARY KEY
                     CONSTRAINT category_tree_one_row CHECK (is_there)
);
INSERT INTO catalog.category_tree DEFAULT VALUES;
