DROP TABLE catalog.option_translations;
DROP TABLE catalog.translated_options;
