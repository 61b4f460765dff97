DROP FUNCTION catalog.search_write(smallint, text[], text, bigint[]);
DROP VIEW catalog.search_miscounted;
DROP VIEW catalog.search_live;
DROP VIEW catalog.search_sources;
DROP FUNCTION catalog.has_stock(bigint);
