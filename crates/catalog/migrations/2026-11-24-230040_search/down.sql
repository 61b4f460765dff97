DROP FUNCTION catalog.search(jsonb);
DROP FUNCTION catalog.search_words(smallint, text, text);
