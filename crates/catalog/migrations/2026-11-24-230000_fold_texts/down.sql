DROP FUNCTION catalog.is_near(text, text);
DROP FUNCTION catalog.near_forms(text);
DROP FUNCTION catalog.search_config(text);
DROP FUNCTION catalog.fold(text);
-- The extensions stay: somebody else may use them.
