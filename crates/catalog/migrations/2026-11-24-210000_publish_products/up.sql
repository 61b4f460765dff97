-- Whoever reads products waits behind this, and gives up after a second: better to try again.
SET LOCAL lock_timeout = '300ms';
ALTER TABLE catalog.products
    -- On sale from the one until the other: from -infinity on for one that always was, never for a draft (from infinity on).
    ADD COLUMN published_at timestamptz NOT NULL DEFAULT '-infinity',
    ADD COLUMN unpublished_at timestamptz NOT NULL DEFAULT 'infinity',
    -- The end of its address, where it was given one; without one its name and id make it.
    ADD COLUMN slug text,
    ADD COLUMN brand text NOT NULL DEFAULT '',
    ADD COLUMN tags text[] NOT NULL DEFAULT '{}',
    -- As it was sanitised when it was written; whoever shows it does so again.
    ADD COLUMN description_html text NOT NULL DEFAULT '',
    ADD COLUMN seo_title text NOT NULL DEFAULT '',
    ADD COLUMN seo_description text NOT NULL DEFAULT '',
    ADD CONSTRAINT products_published_before CHECK (published_at < unpublished_at OR published_at = 'infinity') NOT VALID;

-- Slugs that led to a product once and still do, unless another product has them now.
CREATE TABLE catalog.former_slugs (
    slug text PRIMARY KEY,
    product_id bigint NOT NULL REFERENCES catalog.products
);
CREATE INDEX former_slugs_product_id_idx ON catalog.former_slugs (product_id);

-- Whether customers can see and buy it now. The one place that says so; the planner sees through it.
CREATE FUNCTION catalog.is_on_sale(p catalog.products) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT p.archived_at IS NULL AND p.published_at <= statement_timestamp() AND p.unpublished_at > statement_timestamp()
$$;
