DROP FUNCTION catalog.reserve_stock;
DROP FUNCTION catalog.grant_stock;
DROP FUNCTION catalog.find_outdated;
