DROP FUNCTION catalog.lowest_30d(bigint, text, bigint, text[], text, timestamptz);
DROP FUNCTION catalog.price_at(bigint, text, bigint, text[], text, timestamptz);
DROP FUNCTION catalog.list_price(bigint, text, bigint, text[], text);
DROP TABLE catalog.list_prices;
DROP TABLE catalog.price_list_terms;
DROP TABLE catalog.price_lists;
