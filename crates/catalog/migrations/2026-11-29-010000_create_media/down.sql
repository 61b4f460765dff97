SET LOCAL lock_timeout = '300ms';
ALTER TABLE catalog.products DROP COLUMN has_media;
DROP TABLE catalog.product_media;
DROP TABLE catalog.media;
