DROP FUNCTION catalog.is_on_sale(catalog.products);
DROP TABLE catalog.former_slugs;
ALTER TABLE catalog.products
    DROP COLUMN published_at, DROP COLUMN unpublished_at, DROP COLUMN slug, DROP COLUMN brand, DROP COLUMN tags,
    DROP COLUMN description_html, DROP COLUMN seo_title, DROP COLUMN seo_description;
