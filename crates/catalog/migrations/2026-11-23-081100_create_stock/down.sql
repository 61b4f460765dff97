DROP TABLE catalog.stock_movements;
DROP TABLE catalog.stock_levels;
DROP TABLE catalog.locations;
