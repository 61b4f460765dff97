DROP TABLE catalog.export_parts;
DROP TABLE catalog.exports;
