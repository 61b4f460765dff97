DROP FUNCTION catalog.search_refresh(int);
DROP FUNCTION catalog.search_mark(text[], bigint[], jsonb[]);
DROP FUNCTION catalog.search_affected(text[], bigint[], jsonb[]);
