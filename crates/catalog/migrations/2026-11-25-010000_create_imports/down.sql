DROP TABLE catalog.import_chunks;
DROP TABLE catalog.import_parts;
DROP TABLE catalog.imports;
