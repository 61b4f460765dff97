DROP FUNCTION catalog.quote;
