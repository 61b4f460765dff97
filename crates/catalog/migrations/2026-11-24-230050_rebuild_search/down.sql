DROP FUNCTION catalog.search_clear();
DROP FUNCTION catalog.search_swap();
DROP FUNCTION catalog.search_build(int);
DROP FUNCTION catalog.search_begin(text[], text);
