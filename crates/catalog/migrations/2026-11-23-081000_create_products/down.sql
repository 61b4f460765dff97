DROP TABLE catalog.prices;
DROP TABLE catalog.variants;
DROP TABLE catalog.products;
