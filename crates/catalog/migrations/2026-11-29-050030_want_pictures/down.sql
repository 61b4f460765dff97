DROP TABLE catalog.fetched_pictures, catalog.wanted_pictures;
