CREATE INDEX CONCURRENTLY variants_barcode_idx ON catalog.variants (barcode) WHERE barcode IS NOT NULL;
