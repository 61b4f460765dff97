DROP FUNCTION catalog.quote_line;
