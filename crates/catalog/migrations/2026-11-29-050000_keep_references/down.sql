DROP TABLE catalog.import_references;
