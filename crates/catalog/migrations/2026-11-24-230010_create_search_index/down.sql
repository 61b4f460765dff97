DROP TABLE catalog.search_words_1, catalog.search_values_1, catalog.search_documents_1;
DROP TABLE catalog.search_words_0, catalog.search_values_0, catalog.search_documents_0;
DROP TABLE catalog.search_stale;
DROP TABLE catalog.search_index;
