DROP TABLE catalog.custom_values;
DROP TABLE catalog.custom_resources;
DROP TABLE catalog.custom_fields;
