-- Whoever writes products waits behind this: better to try again.
SET LOCAL lock_timeout = '300ms';
-- What a product is shown beside, in order. Written under the product's lock.
CREATE TABLE catalog.related_products (
    product_id bigint NOT NULL CONSTRAINT related_products_product_id_fkey REFERENCES catalog.products,
    relation   text   NOT NULL CONSTRAINT related_products_relation_known CHECK (relation IN ('related', 'up_sell', 'cross_sell')),
    position   int    NOT NULL,
    related_id bigint NOT NULL CONSTRAINT related_products_related_id_fkey REFERENCES catalog.products,
    CONSTRAINT related_products_pkey PRIMARY KEY (product_id, relation, position),
    CONSTRAINT related_products_once UNIQUE (product_id, relation, related_id),
    CONSTRAINT related_products_not_itself CHECK (product_id <> related_id)
);
