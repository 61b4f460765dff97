-- The release before knows no drafts: what is not on sale by the clock must not be sold by it.
UPDATE catalog.products p SET archived_at = now(), version = version + 1
 WHERE archived_at IS NULL AND NOT catalog.is_on_sale(p);
DROP FUNCTION catalog.is_on_sale(catalog.products);
DROP TABLE catalog.former_slugs;
ALTER TABLE catalog.products
    DROP COLUMN published_at, DROP COLUMN unpublished_at, DROP COLUMN slug, DROP COLUMN brand, DROP COLUMN tags,
    DROP COLUMN description_html, DROP COLUMN seo_title, DROP COLUMN seo_description;
